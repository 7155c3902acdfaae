"""Finds moments in a text, written as clocks do, and decides which of them are within a given stretch of time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NAMES = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split("|"), 1)}
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d{1,9})?)?"
_FORMS = re.compile(
    "|".join(
        (
            # 2026-11-24T21:00:05.123Z, 2026-11-24 21:00, 2026/11/24 21:00:05 +01:00
            r"(?P<iso>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?)",
            # 20261124T210005Z, 20261124-210005
            r"(?P<packed>(?<!\d)20\d{6}[-T_]?\d{6}Z?(?!\d))",
            # Tue Nov 24 21:00:05 UTC 2026
            rf"(?P<ctime>{_DAY}(?:{_NAMES})\s+\d{{1,2}}\s+\d\d:\d\d:\d\d(?:\s+[A-Z]{{2,5}})?\s+\d{{4}})",
            # Tue, 24 Nov 2026 21:00:05 GMT
            rf"(?P<mail>{_DAY}\d{{1,2}}\s+(?:{_NAMES})\s+\d{{4}}\s+\d\d:\d\d:\d\d(?:\s+(?:GMT|UTC|[+-]\d{{4}}))?)",
            # 1795554005, with a fraction, or in milli-, micro- or nanoseconds
            r"(?P<epoch>(?<![\d.])[12]\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?(?!\d))",
            r"(?P<clock>(?<![\d:])" + _CLOCK + r"(?![\d:]))",
        )
    )
)
_ZONE = re.compile(r"(?:Z|UTC|GMT|([+-])(\d\d):?(\d\d))$")
_DIGITS = re.compile(r"\d+")
_SLACK = timedelta(seconds=3)
_QUARTER = timedelta(minutes=15)
_FURTHEST = timedelta(hours=14)


@dataclass(frozen=True)
class Stretch:
    """The time from `begin` to `end` during which an execution ran."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime, slack: timedelta = _SLACK) -> bool:
        """Returns whether the moment is within the stretch, give or take `slack`."""
        return self.begin - slack <= moment <= self.end + slack


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment in a text.

    `at` is in UTC if `zoned`, else by a clock of some zone; `dated` says whether it has a date at all. `text` is as
    written.
    """

    text: str
    at: datetime
    zoned: bool
    dated: bool = True
    precision: timedelta = timedelta(seconds=1)

    def within(self, stretch: Stretch) -> bool:
        """Returns whether it is a time of this stretch, by a clock of any zone if it names none."""
        slack = max(_SLACK, self.precision)
        if self.zoned:
            return stretch.holds(self.at, slack)
        moment = self.at if self.dated else self.at.replace(
            year=stretch.begin.year, month=stretch.begin.month, day=stretch.begin.day
        )  # fmt: skip
        for days in (0,) if self.dated else (-1, 0, 1):
            offset = -_FURTHEST
            while offset <= _FURTHEST:
                if stretch.holds(moment + timedelta(days=days) + offset, slack):
                    return True
                offset += _QUARTER
        return False


def moments(text: str) -> Iterator[tuple[int, int, Moment]]:
    """Returns the moments in the text, each with where it begins and ends."""
    for match in _FORMS.finditer(text):
        try:
            moment = next(reader(match[0]) for name, reader in _READERS.items() if match[name] is not None)
        except ValueError:
            continue  # no real date, such as the 31st of February
        yield match.start(), match.end(), moment


def _iso(text: str) -> Moment:
    return _numbers(text, [int(part) for part in _DIGITS.findall(_ZONE.sub("", text))])


def _packed(text: str) -> Moment:
    digits = "".join(_DIGITS.findall(text))
    return _numbers(text, [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))])


def _ctime(text: str) -> Moment:
    words = _without_weekday(text)
    hour, minute, second = (int(part) for part in words[2].split(":"))
    zoned = any(word in ("UTC", "GMT") for word in words)
    at = datetime(int(words[-1]), _MONTHS[words[0]], int(words[1]), hour, minute, min(second, 59), tzinfo=UTC)
    return Moment(text=text, at=at, zoned=zoned)


def _without_weekday(text: str) -> list[str]:
    """Returns the words behind the day of the week."""
    return re.sub(f"^{_DAY}", "", text).split()


def _mail(text: str) -> Moment:
    day, month, year, clock = _without_weekday(text)[:4]
    hour, minute, second = (int(part) for part in clock.split(":"))
    at = datetime(int(year), _MONTHS[month], int(day), hour, minute, min(second, 59), tzinfo=UTC)
    return _zoned(text, at)


def _epoch(text: str) -> Moment:
    whole, _, fraction = text.partition(".")
    scale = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}[len(whole)]
    seconds = int(whole) / scale + (float(f"0.{fraction}") if fraction and scale == 1 else 0)
    return Moment(text=text, at=datetime.fromtimestamp(seconds, UTC), zoned=True)


def _clock(text: str) -> Moment:
    parts = [int(part) for part in _DIGITS.findall(text)[:3]]
    hour, minute, second = (*parts, 0)[:3]
    precision = timedelta(seconds=1) if len(parts) > 2 else timedelta(minutes=1)
    at = datetime(2000, 1, 1, hour, minute, min(second, 59), tzinfo=UTC)
    return Moment(text=text, at=at, zoned=False, dated=False, precision=precision)


def _numbers(text: str, parts: list[int]) -> Moment:
    year, month, day, hour, minute = parts[:5]
    second = parts[5] if len(parts) > 5 else 0
    moment = _zoned(text, datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC))
    if len(parts) > 5:
        return moment
    return Moment(text=text, at=moment.at, zoned=moment.zoned, precision=timedelta(minutes=1))


def _zoned(text: str, at: datetime) -> Moment:
    zone = _ZONE.search(text)
    if zone is None:
        return Moment(text=text, at=at, zoned=False)
    if zone[1]:
        offset = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        at = at - offset if zone[1] == "+" else at + offset
    return Moment(text=text, at=at, zoned=True)


_READERS = {"iso": _iso, "packed": _packed, "ctime": _ctime, "mail": _mail, "epoch": _epoch, "clock": _clock}
