"""Pure decisions about events that arrive: no I/O, no clock, no framework."""
