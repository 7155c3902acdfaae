"""A user's shell on a runner."""
