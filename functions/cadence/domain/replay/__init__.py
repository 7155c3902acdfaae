"""Replays: a treatment of an earlier run executed once more with its earlier inputs, and the comparison of both."""
