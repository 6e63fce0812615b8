"""Use cases: bookings, facts, valuations, the close of a day, corrections. All inside the caller's transaction."""
