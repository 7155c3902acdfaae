"""The provenance of values: the graph of where they came from and went, and proofs line by line."""
