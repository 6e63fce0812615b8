"""From records of the log to commands: one module per kind of event, and the handler that the stream calls."""
