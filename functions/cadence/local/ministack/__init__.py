"""MiniStack: how it is started, and where it is changed to behave as AWS does."""
