"""Personal data under a key per customer: sealed where they enter, opened where they are needed, gone with the key."""
