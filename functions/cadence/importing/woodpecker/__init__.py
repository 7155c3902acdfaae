"""Converts workflows of Woodpecker."""
