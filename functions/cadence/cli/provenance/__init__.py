"""The command that traces values."""
