"""A treatment's inputs and outputs: chunks, FIFOs, paths, type checks and caches."""
