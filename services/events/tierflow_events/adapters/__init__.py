"""How the events service reads JSON and keeps its tables."""
