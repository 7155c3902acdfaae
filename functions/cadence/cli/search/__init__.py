"""The command that searches log lines."""
