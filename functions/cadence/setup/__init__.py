"""Prepares an installation after its deployment, and prints its first token."""
