"""Times as the lines of logs, events and messages write them."""

from datetime import datetime


def milliseconds(at: datetime) -> str:
    """A time in UTC as RFC 3339, cut after the milliseconds: `2030-01-31T12:00:00.123Z`. Such texts order as their times do."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
