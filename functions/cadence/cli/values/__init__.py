"""Commands about values."""
