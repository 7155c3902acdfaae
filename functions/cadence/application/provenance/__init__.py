"""Traces where a value, a log line or a treatment's outcome came from, and where it went."""
