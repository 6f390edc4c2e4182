"""Faults put into a running service, on real processes: `make faults`."""
