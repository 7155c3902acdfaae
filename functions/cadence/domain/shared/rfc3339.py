"""The format of times in log lines, events and messages (RFC 3339)."""

from datetime import datetime


def milliseconds(at: datetime) -> str:
    """Returns a time in UTC as RFC 3339, cut after the milliseconds: `2030-01-31T12:00:00.123Z`.

    Such texts have the same order as their times.
    """
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
