"""Cadence: an open control plane for integration pipelines."""

__version__ = "0.1.0"
