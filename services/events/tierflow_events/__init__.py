"""The events service: takes the bank's events over HTTP, puts them on the log, and knows where each one is."""
