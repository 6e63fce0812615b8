"""The HTTP routes of the events service."""
