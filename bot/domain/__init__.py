"""Pure decisions and values: no await, no I/O, no clock."""
