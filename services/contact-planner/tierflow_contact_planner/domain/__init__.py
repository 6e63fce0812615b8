"""Pure decisions of contact planning: no I/O, no clock, no framework."""
