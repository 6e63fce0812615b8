"""Where the service touches the world: tables, statements, files."""
