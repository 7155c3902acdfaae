"""Alert rules: what to watch for, how many occurrences open an alert, and which channels get its messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.shared.patterns import matches_any

QUEUE, BOOT, DURATION, RUN_DURATION = "queue", "boot", "duration", "run"
TIMES = (QUEUE, BOOT, DURATION, RUN_DURATION)
"""Measurements of `time` and `anomaly` in seconds; any other name is a member of a treatment's usage."""


class AlertSeverity(StrEnum):
    """The severity of a rule's alerts."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True)
class LogCondition:
    """Lines that a search query finds."""

    query: str


@dataclass(frozen=True)
class TreatmentCondition:
    """Treatments that ended in one of `states`. Empty `exit_codes` and `cause` do not restrict."""

    states: frozenset[str]
    exit_codes: frozenset[int] = frozenset()
    cause: str = ""


@dataclass(frozen=True)
class RunCondition:
    """Runs that ended in one of `states`. An empty `cause` does not restrict."""

    states: frozenset[str]
    cause: str = ""


@dataclass(frozen=True)
class LimitCondition:
    """A time in seconds (see `TIMES`) or a member of a treatment's usage that is above a limit."""

    of: str
    above: float


@dataclass(frozen=True)
class AnomalyCondition:
    """A value that is unusual among its treatment's (or pipeline's) own earlier ones."""

    of: str
    direction: str = "both"
    deviations: float = 5.0
    warm_up: int = 10


Condition = LogCondition | TreatmentCondition | RunCondition | LimitCondition | AnomalyCondition


def is_of_runs(when: Condition) -> bool:
    """Returns whether a condition watches whole runs."""
    measures_runs = isinstance(when, LimitCondition | AnomalyCondition) and when.of == RUN_DURATION
    return measures_runs or isinstance(when, RunCondition)


@dataclass(frozen=True)
class RuleScope:
    """Patterns of which one has to fit; without patterns, all names fit."""

    pipeline: tuple[str, ...] = ()
    treatment: tuple[str, ...] = ()
    pool: tuple[str, ...] = ()

    def includes_pipeline(self, name: str) -> bool:
        """Returns whether the pipeline is watched."""
        return not self.pipeline or matches_any(name, self.pipeline)

    def includes(self, values: Mapping[str, Any]) -> bool:
        """Returns whether events with these labels are watched.

        An event without a treatment or pool fits no pattern of one.
        """
        return all(
            not patterns or matches_any(str(values.get(name) or ""), patterns)
            for name, patterns in (("pipeline", self.pipeline), ("treatment", self.treatment), ("pool", self.pool))
        )


@dataclass(frozen=True)
class Resolution:
    """The conditions under which an alert closes."""

    after: timedelta = timedelta(hours=1)
    on_recovery: bool = True
    message: bool = True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as stored. `project` is a project's name or `*`; `revision` grows whenever its condition changes.

    `document` is the rule as it was written (`schemas/alert-rule/1.json`), `address` the address of the API that its
    author used: links in messages begin with it.
    """

    organization: str
    project: str
    name: str
    revision: int
    when: Condition
    channels: tuple[str, ...]
    where: RuleScope = RuleScope()
    count: int = 1
    window: timedelta = timedelta(minutes=5)
    group_by: tuple[str, ...] = ("project", "pipeline", "treatment")
    cooldown: timedelta = timedelta(minutes=15)
    resolve: Resolution = Resolution()
    severity: AlertSeverity = AlertSeverity.ERROR
    description: str = ""
    enabled: bool = True
    document: Mapping[str, Any] = field(default_factory=dict)
    updated_at: datetime | None = None
    updated_by: str = ""
    address: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Organization, project and name."""
        return self.organization, self.project, self.name

    @property
    def recovers(self) -> bool:
        """Whether a success ends an alert: only if it is one of the same treatment or pipeline that had failed.

        A missing log line proves nothing, nor does one success among many failures.
        """
        subject = "pipeline" if is_of_runs(self.when) else "treatment"
        is_log = isinstance(self.when, LogCondition)
        return self.resolve.on_recovery and self.count == 1 and not is_log and subject in self.group_by

    def covers(self, project: str) -> bool:
        """Returns whether the rule is enabled and applies to the project."""
        return self.enabled and self.project in (ALL_PROJECTS, project)

    def looks_like(self, other: "Rule") -> bool:
        """Returns whether both watch the same, so that the counts of one hold for the other."""
        compared = ("when", "where", "count", "window", "group_by")
        return all(getattr(self, name) == getattr(other, name) for name in compared)
