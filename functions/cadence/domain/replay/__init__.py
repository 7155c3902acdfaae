"""Replays: a treatment of an earlier run once more with what it had then, and what that shows."""
