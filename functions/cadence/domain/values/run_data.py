"""Where what a run left lies, and who read it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DataKind(StrEnum):
    """What a part of a run's data is."""

    VALUE = "value"
    LOG = "log"
    TEST_REPORT = "test-report"
    SUMMARY = "summary"
    ENGINE = "engine"
    CACHE = "cache"
    SOURCE = "source"
    DOCUMENT = "document"
    RECORD = "record"
    OTHER = "other"


@dataclass(frozen=True)
class DataName:
    """What the key of an object says: of a value or report the treatment and attempt, of a value the port."""

    kind: DataKind
    treatment: str | None = None
    attempt: int | None = None
    port: str | None = None


@dataclass(frozen=True, kw_only=True)
class LocatedData:
    """A part of a run's data in one bucket, or in one table; then `objects` are items.

    `pool` is the pool whose runner sent it. `bytes` and `objects` are what the bucket has; `sent` is the size that was
    recorded of a value, of which nothing may be left. `kept_until` is the time from which it is removed; None while its
    run goes on, while it is `held`, and once it is removed: then `objects` is 0. `encryption` is what the bucket says
    of an object there, `read_by` are the treatments that were given it as an input.
    """

    name: DataName
    label: str
    pool: str | None
    bucket: str
    region: str | None
    objects: int
    bytes: int
    sent: int | None = None
    kept_until: datetime | None = None
    held: bool = False
    encryption: str | None = None
    read_by: tuple[str, ...] = ()


def name_of_key(key: str) -> DataName:
    """Returns what the key of an object below `runs/{run}/` is of."""
    parts = key.split("/")[2:]
    match parts:
        case ["values", *treatment, attempt, port, _] if treatment and attempt.isdecimal():
            return DataName(DataKind.VALUE, "/".join(treatment), int(attempt), port.removeprefix("~"))
        case ["tests", *treatment, report] if treatment and report.partition(".")[0].isdecimal():
            return DataName(DataKind.TEST_REPORT, "/".join(treatment), int(report.partition(".")[0]))
        case ["summaries", *treatment, name] if treatment and name.partition(".")[0].isdecimal():
            return DataName(DataKind.SUMMARY, "/".join(treatment), int(name.partition(".")[0]))
        case ["logs" | "sent-lines", _]:
            return DataName(DataKind.LOG)
        case ["melodium", *_]:
            return DataName(DataKind.ENGINE)
    return DataName(DataKind.OTHER)
