"""Tables, records over SQLAlchemy Core, and policy files."""
