"""The words the services and the bank exchange: pure data, no I/O."""
