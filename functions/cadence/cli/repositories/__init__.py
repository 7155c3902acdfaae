"""Commands about connected repositories."""
