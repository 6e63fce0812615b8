"""Shipped rule packs, one file per version. A file that has been used is never changed: a change is a new version."""
