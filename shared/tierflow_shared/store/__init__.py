"""The database of a service and the one transaction that a step of work is."""
