"""The HTTP edge every service has in common."""
