"""The consumer loop: one poll is one database transaction."""
