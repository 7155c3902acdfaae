"""Times as users write them in a query: `2h` (ago), `1h30m`, `2026-11-24`, `2026-11-24T10:15+01:00`, `today`, `now`."""

import re
from datetime import UTC, datetime, timedelta

LONGEST_AGO = timedelta(days=3650)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?:\d{1,9}[smhdw])+")
_PART = re.compile(r"(\d+)([smhdw])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOOKS_LIKE_TIME = re.compile(r"\d{4}-\d|\d+[smhdw](?![0-9a-z])")
HINT = "Write for example 2h, 1h30m, 3d, today, 2026-11-24 or 2026-11-24T10:15Z."


class NoTime(ValueError):
    """The text is no time. The message says what is wrong, without a full stop."""


def looks_like_time(text: str) -> bool:
    """Returns whether `text` most likely is meant as a time."""
    return bool(_LOOKS_LIKE_TIME.match(text)) or text in ("now", "today", "yesterday")


def since(text: str, now: datetime) -> datetime:
    """Returns the beginning that `text` means. Times without a zone are in UTC. Raises NoTime."""
    return _read(text, now, timedelta())


def until(text: str, now: datetime) -> datetime:
    """Returns the end that `text` means, itself not included: of a day, its end. Raises NoTime."""
    return _read(text, now, timedelta(days=1))


def _read(text: str, now: datetime, of_day: timedelta) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "now":
        return now
    if text in ("today", "yesterday"):
        return midnight - timedelta(days=text == "yesterday") + of_day
    try:
        if _AGO.fullmatch(text):
            time = now - sum(
                (timedelta(**{_UNITS[unit]: int(count)}) for count, unit in _PART.findall(text)), timedelta()
            )
        else:
            parsed = datetime.fromisoformat(text)
            time = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
            if _DAY.fullmatch(text):
                time += of_day
    except OverflowError:
        raise NoTime(f"{text} is too long ago") from None
    except ValueError:
        raise NoTime(f"{text!r} is no time") from None
    if time < now - LONGEST_AGO:
        raise NoTime(f"{text} is more than {LONGEST_AGO.days} days ago: nothing is kept that long")
    return time
