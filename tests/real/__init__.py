"""The readers against bytes that nobody here wrote: kernels, hypervisors and boot loaders of Debian. `make test-real`."""
