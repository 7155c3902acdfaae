"""What exporting needs from the outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.application.metrics.ports import Event
from cadence.domain.exports.export import Backfill, Export, ExportBatch, ExportStatus, StoredRequest
from cadence.domain.metrics.model import Metric


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """A line, and whose it is."""

    organization: str
    project: str
    pipeline: str
    run_id: str
    line: Line


class ExportFormat(Protocol):
    """How one kind of receiver wants it. `cumulative`: whether counters are told as they stand, or what was added."""

    cumulative: bool

    def address(self, export: Export, path: str) -> str:
        """Where a request's path leads."""

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]: ...

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]: ...

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        """`ends` are events of runs and treatments."""


class ExportStore(Protocol):
    """Table `access`, beside the pools."""

    def put_export(self, export: Export) -> bool:
        """Creates or replaces it; True if it is new."""

    def get_export(self, organization: str, name: str) -> Export:
        """Raises NotFound."""

    def list_exports(self, organization: str) -> Sequence[Export]: ...

    def delete_export(self, organization: str, name: str) -> None:
        """Raises NotFound."""


class Backlog(Protocol):
    """How exports fare, and what is still to be delivered (table `telemetry`)."""

    def standing(self, export: Export) -> ExportStatus: ...

    def keep(
        self, export: Export, parcels: Sequence[ExportBatch], error: str | None, retry_at: datetime | None, at: datetime
    ) -> None:
        """Adds parcels, each once, and marks the export as failing.

        Without an `error` they only join others: raises Conflict if the export is not failing any more.
        """

    def next(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        """The oldest."""

    def delivered(self, export: Export, parcels: Sequence[ExportBatch], at: datetime) -> None:
        """Removes them. What was removed before is no error."""

    def bury(self, export: Export, parcels: Sequence[ExportBatch], error: str, at: datetime) -> None:
        """They become dead letters, whether they were kept before or not."""

    def failed(self, export: Export, error: str, retry_at: datetime) -> None: ...

    def recovered(self, export: Export, at: datetime) -> None:
        """Not failing any more. Raises Conflict if something is pending."""

    def touch(self, export: Export, at: datetime) -> None:
        """Something was delivered straight away."""

    def lease(self, export: Export, at: datetime, until: datetime) -> bool:
        """Whether nobody else delivers what is kept, until then."""

    def release(self, export: Export) -> None: ...

    def dead_letters(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        """The oldest."""

    def revive(self, export: Export, at: datetime, parcels: Sequence[ExportBatch] | None = None) -> int:
        """Dead letters, all or these, become parcels again; how many."""

    def drop(self, export: Export, parcels: Sequence[ExportBatch]) -> None:
        """These dead letters are gone for good. Dropping what is gone is no error."""

    def forget(self, export: Export) -> None:
        """Removes all that is kept for an export that was deleted."""

    def claim_push(self, export: Export, due: datetime | None, following: datetime) -> bool:
        """Makes `following` the time of the next push, if `due` is still the one that is kept."""

    def sent(self, export: Export) -> Mapping[str, float]:
        """What counters had reached when they were last sent."""

    def keep_sent(self, export: Export, sent: Mapping[str, float]) -> None: ...

    def put_backfill(self, backfill: Backfill) -> None: ...

    def get_backfill(self, organization: str, export: str, backfill_id: str) -> Backfill:
        """Raises NotFound."""

    def list_backfills(self, organization: str, export: str) -> Sequence[Backfill]:
        """Newest first."""


class ExportWork(Protocol):
    """Messages to oneself (queue `exporting`)."""

    def drain(self, export: Export, after: timedelta) -> None: ...

    def push(self, export: Export, due: datetime, after: timedelta) -> None: ...

    def backfill(self, backfill: Backfill, after: timedelta) -> None: ...
