"""The partitioned log behind one port, and its adapters."""
