"""The command that replays treatments."""
