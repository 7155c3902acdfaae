"""Commands about what starts runs."""
