"""The clock of all Lambdas."""

from datetime import UTC, datetime


def now() -> datetime:
    """Returns the current time, in UTC."""
    return datetime.now(UTC)
