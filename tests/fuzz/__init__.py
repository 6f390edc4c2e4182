"""Bytes and texts that nobody meant, put to every reader: `make fuzz`."""
