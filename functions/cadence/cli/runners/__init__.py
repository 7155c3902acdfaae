"""Commands about runners and hosts."""
