"""Files as evidence: which format each is of, what it says, and which facts follow from all of them together."""
