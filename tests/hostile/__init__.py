"""Files that mean harm, sent to a real installation: `make hostile`."""
