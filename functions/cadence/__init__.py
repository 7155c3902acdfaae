"""Cadence: an open control plane for integration pipelines."""
