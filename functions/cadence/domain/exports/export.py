"""Exports: receivers of an organization's logs, metrics, traces and audit log, which are sent as they arise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

ALL_PROJECTS = "*"

PUSH_EVERY = timedelta(seconds=60)
"""How often metrics are pushed."""

GIVE_UP_AFTER = timedelta(hours=24)
"""How long delivery is retried before a batch becomes a dead letter."""

DEAD_LETTERS_KEPT = timedelta(days=14)


class ExportKind(StrEnum):
    """The protocol of an export's receiver."""

    PROMETHEUS = "prometheus_remote_write"
    LOKI = "loki"
    DATADOG = "datadog"
    OTLP = "otlp"
    CLOUDEVENTS = "cloudevents"


class Signal(StrEnum):
    """A kind of data that an export sends."""

    LOGS = "logs"
    METRICS = "metrics"
    TRACES = "traces"
    AUDIT = "audit"


SIGNALS: Mapping[ExportKind, tuple[Signal, ...]] = {
    ExportKind.PROMETHEUS: (Signal.METRICS,),
    ExportKind.LOKI: (Signal.LOGS,),
    ExportKind.DATADOG: (Signal.LOGS, Signal.METRICS),
    ExportKind.OTLP: (Signal.TRACES, Signal.METRICS, Signal.LOGS),
    ExportKind.CLOUDEVENTS: (Signal.AUDIT,),
}
"""The signals that each kind of receiver accepts."""


@dataclass(frozen=True)
class ExportCredentials:
    """The credentials of a receiver. `scheme` is `basic` (user and secret), `bearer` or `api_key` (Datadog's)."""

    scheme: str
    secret: str = field(repr=False)
    user: str = ""

    def as_json(self) -> Mapping[str, str]:
        """Returns the credentials as JSON, with the secret, to be encrypted."""
        return {"scheme": self.scheme, "secret": self.secret, "user": self.user}


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export of an organization. `projects` are those whose data is sent (`*`: all).

    `labels` are added to all that is sent, `headers` to each request. `encrypted` holds the credentials, and is never
    shown. `origin` is this installation's own address, for links.
    """

    organization: str
    name: str
    kind: ExportKind
    url: str
    signals: frozenset[Signal]
    created_at: datetime
    updated_at: datetime
    projects: tuple[str, ...] = (ALL_PROJECTS,)
    labels: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    origin: str = ""
    scheme: str | None = None
    encrypted: bytes | None = field(default=None, repr=False)

    def covers(self, project: str) -> bool:
        """Returns whether data of the project is sent."""
        return ALL_PROJECTS in self.projects or project in self.projects

    def wants(self, signal: Signal, project: str) -> bool:
        """Returns whether the signal of the project is sent."""
        return self.enabled and signal in self.signals and self.covers(project)

    @property
    def pushes(self) -> bool:
        """Whether metrics are pushed at intervals."""
        return self.enabled and Signal.METRICS in self.signals


@dataclass(frozen=True, kw_only=True)
class ExportStatus:
    """The delivery status of an export.

    `error` is the receiver's last refusal; `pending` and `dead` count the batches stored for it. `retrying_since` is
    when it did not take a batch that is tried again; `refused_since` is when it refused one for good, if it has taken
    none after that. `next_push` is when the next push of metrics is due: it identifies the single chain of messages
    that pushes.
    """

    pending: int = 0
    dead: int = 0
    failures: int = 0
    error: str | None = None
    retrying_since: datetime | None = None
    refused_since: datetime | None = None
    retry_at: datetime | None = None
    delivered_at: datetime | None = None
    next_push: datetime | None = None

    @property
    def retrying(self) -> bool:
        """Whether batches are stored to be tried again: they are delivered first, by one call at a time."""
        return self.retrying_since is not None

    @property
    def failing(self) -> bool:
        """Whether deliveries fail, be it that they are tried again or that they were given up."""
        return self.failing_since is not None

    @property
    def failing_since(self) -> datetime | None:
        """The time of the first failed delivery since the last that succeeded, None if deliveries succeed.

        What was given up no longer counts once its dead letters are gone.
        """
        refused = self.refused_since if self.dead else None
        return min((time for time in (self.retrying_since, refused) if time is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class ExportBatch:
    """A batch still to be delivered to one export.

    It is an event, whose data is read when it is sent, or a request as it was made. `since` is when it arose: batches
    are delivered in that order. `key` is the same however often the batch is made.
    """

    key: str
    since: datetime
    event: Mapping[str, Any] | None = None
    request: "StoredRequest | None" = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoredRequest:
    """A request to an export's receiver, without its credentials.

    `path` is resolved against the receiver's address when the request is sent.
    """

    path: str
    content_type: str
    body: bytes = field(repr=False)
    encoding: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class BackfillState(StrEnum):
    """The state of a backfill."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """A backfill, which sends the stored data of a time range once more.

    `projects` are those that are left, `position` the last run of the first of them that was sent, `segment` the next
    segment of the run after that; without projects left, `position` is the last time whose metrics were sent. `runs`,
    `lines`, `spans` and `points` (times whose metrics were sent) count what was sent, `failures` the refusals since.
    """

    organization: str
    export: str
    backfill_id: str
    since: datetime
    until: datetime
    signals: frozenset[Signal]
    requested_at: datetime
    state: BackfillState = BackfillState.RUNNING
    projects: tuple[str, ...] = ()
    position: str | None = None
    segment: int = 0
    runs: int = 0
    lines: int = 0
    spans: int = 0
    points: int = 0
    failures: int = 0
    error: str | None = None
    finished_at: datetime | None = None


def backoff(failures: int, jitter: float) -> timedelta:
    """Returns the time until the next try after so many failures, at most five minutes; `jitter` is between 0 and 1."""
    longest = min(300.0, 2.0 * 2 ** min(failures, 10))
    return timedelta(seconds=longest / 2 + longest / 2 * jitter)
