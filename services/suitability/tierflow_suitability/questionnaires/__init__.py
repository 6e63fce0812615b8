"""Shipped questionnaires, one file per version. A file that has been answered is never changed."""
