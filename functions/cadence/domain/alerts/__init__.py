"""Alerts: rules, events that fit them, when an alert opens and closes, and its messages. Without side effects."""
