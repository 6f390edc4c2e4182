"""Images of kernels and hypervisors: from bytes to facts, in a child process of its own."""
