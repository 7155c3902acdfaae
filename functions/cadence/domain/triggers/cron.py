"""Reads cron expressions of five fields, computes when they fire, and translates them for EventBridge Scheduler."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

OFTEN_MINUTES = 5
_CHARACTERS = re.compile(r"[0-9A-Za-z*,/-]+")
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 (a wall clock's time, of no zone)
_FIELDS = "minute, hour, day of the month, month, day of the week"
_ALL_MINUTES, _ALL_HOURS, _ALL_MONTHS = frozenset(range(60)), frozenset(range(24)), frozenset(range(1, 13))


class BadCron(ValueError):
    """Signals that a text is no cron expression; the message states what is wrong with it."""


class NeverFires(BadCron):
    """Signals that a cron expression names a day that does not exist, so that it never fires."""


@dataclass(frozen=True, kw_only=True)
class Cron:
    """The times of a wall clock at which a schedule fires.

    `days` and `weekdays` (0 is Sunday) are None where all match; with both, a day has to match only one of them.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: frozenset[int] | None
    weekdays: frozenset[int] | None

    @property
    def often(self) -> bool:
        """Whether two firings can be less than five minutes apart."""
        minutes = sorted(self.minutes)
        next_hour = any((hour + 1) % 24 in self.hours for hour in self.hours)
        gaps = [later - earlier for earlier, later in pairwise(minutes)]
        return min([*gaps, *([60 - minutes[-1] + minutes[0]] if next_hour else [])], default=60) < OFTEN_MINUTES


def read_cron(text: str) -> Cron:
    """Parses a cron expression. Raises BadCron, or NeverFires if it names no day that exists."""
    fields = text.split()
    if len(fields) != 5:
        raise BadCron(f"it has {len(fields)} fields, not five ({_FIELDS})")
    if not all(_CHARACTERS.fullmatch(field) for field in fields):
        raise BadCron("only numbers, names of months and days, and * , - / are possible")
    parsed = _parsed(text, fields)
    either_star = fields[2].startswith("*") or fields[4].startswith("*")
    days = None if fields[2] == "*" else frozenset(parsed.days)
    weekdays = None if fields[4] == "*" else frozenset(day % 7 for day in parsed.weekdays if isinstance(day, int))
    if days is not None and weekdays is not None and either_star:
        raise BadCron("a step over days (*/…) cannot be combined with days of the other kind")
    return Cron(
        minutes=frozenset(parsed.minutes),
        hours=frozenset(parsed.hours),
        months=frozenset(parsed.months),
        days=days,
        weekdays=weekdays,
    )


def _parsed(text: str, fields: list[str]) -> CronSim:
    if re.search("[LW#]", " ".join((fields[2], re.sub("JUL|WED", "", fields[4].upper()))).upper()):
        raise BadCron("L, W and # are not known here")
    try:
        schedule = CronSim(text, _SOME_DAY)
        if next(schedule, None) is None:
            raise NeverFires("there is no such day")
    except CronSimError as error:
        try:
            CronSim(" ".join((*fields[:3], "*", fields[4])), _SOME_DAY)
        except CronSimError:
            raise BadCron(str(error).replace("Bad", "it has a bad").replace("Wrong", "it has a wrong")) from None
        raise (NeverFires("there is no such day") if _is_month(fields[3]) else BadCron("it has a bad month")) from None
    return schedule


def _is_month(field: str) -> bool:
    try:
        CronSim(f"0 0 1 {field} *", _SOME_DAY)
    except CronSimError:
        return False
    return True


def firings(text: str, timezone: str, after: datetime, count: int) -> list[datetime]:
    """Returns the next `count` times (UTC) after one; fewer if there are no more.

    Follows EventBridge Scheduler: a time that the clocks skip in spring does not occur that day, a time that they show
    twice in autumn occurs once.
    """
    return list(islice(_firings(text, ZoneInfo(timezone), after), count))


def _firings(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    wall = after.astimezone(zone).replace(tzinfo=None)
    for shown in CronSim(text, wall):
        moment = shown.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == shown and moment > after:
            yield moment


def eventbridge_expressions(cron: Cron) -> tuple[str, ...]:
    """Returns EventBridge Scheduler's expressions: two if a day may match by the month or by the week."""
    minutes, hours = _listed(cron.minutes, _ALL_MINUTES), _listed(cron.hours, _ALL_HOURS)
    months = _listed(cron.months, _ALL_MONTHS)
    days = []
    if cron.days is not None or cron.weekdays is None:
        days.append(f"{'*' if cron.days is None else _ranges(cron.days)} {months} ?")
    if cron.weekdays is not None:
        days.append(f"? {months} {_ranges(day + 1 for day in cron.weekdays)}")
    return tuple(f"cron({minutes} {hours} {day} *)" for day in days)


def _listed(values: frozenset[int], every: frozenset[int]) -> str:
    return "*" if values == every else _ranges(values)


def _ranges(values: Iterable[int]) -> str:
    """Writes consecutive numbers as a range: an expression has at most 256 characters."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
