"""The client of Cadence's API."""
