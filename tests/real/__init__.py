"""The readers against bytes that nobody here wrote: kernels, hypervisors, boot loaders of Debian. `make test-real`."""
