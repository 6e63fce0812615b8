"""What touches files and databases."""
