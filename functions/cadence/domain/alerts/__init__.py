"""Alerts: rules, what in events fits them, when an alert opens and closes, and what is told of it. Pure."""
