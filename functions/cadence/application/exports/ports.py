"""Ports of exporting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import Backfill, Export, ExportBatch, ExportStatus, StoredRequest
from cadence.domain.metrics.model import Metric


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """A log line and its owner."""

    organization: str
    project: str
    pipeline: str
    run_id: str
    line: Line


class ExportFormat(Protocol):
    """Encodes signals for one kind of receiver; `cumulative` if it takes counters' totals rather than increments."""

    cumulative: bool

    def address(self, export: Export, path: str) -> str:
        """Returns the URL of a request's path."""

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]: ...

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]: ...

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        """Returns requests for spans; `ends` are events of runs and treatments."""

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        """Returns requests for chained records of the audit log."""


class ExportStore(Protocol):
    """Stores exports (table `access`, beside the pools)."""

    def put_export(self, export: Export) -> bool:
        """Creates or replaces an export; returns True if it is new."""

    def get_export(self, organization: str, name: str) -> Export:
        """Returns an export. Raises NotFound."""

    def list_exports(self, organization: str) -> Sequence[Export]: ...

    def delete_export(self, organization: str, name: str) -> None:
        """Deletes an export. Raises NotFound."""


class Backlog(Protocol):
    """Stores the status of exports and the parcels that are still to be delivered (table `telemetry`)."""

    def standing(self, export: Export) -> ExportStatus: ...

    def keep(
        self, export: Export, parcels: Sequence[ExportBatch], error: str | None, retry_at: datetime | None, at: datetime
    ) -> None:
        """Adds parcels, each once, which are tried again.

        Without an `error` they only join others. Raises Conflict if there are none any more.
        """

    def next(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        """Returns the oldest parcels, at most `limit`."""

    def delivered(self, export: Export, parcels: Sequence[ExportBatch], at: datetime) -> None:
        """Removes delivered parcels; missing ones are no error. With any, the receiver refuses no longer."""

    def bury(self, export: Export, parcels: Sequence[ExportBatch], error: str, at: datetime) -> None:
        """Makes parcels dead letters, whether they were kept before or not: the receiver refuses."""

    def failed(self, export: Export, error: str, retry_at: datetime) -> None: ...

    def recovered(self, export: Export) -> None:
        """Notes that nothing is tried again. Raises Conflict if parcels are pending."""

    def touch(self, export: Export, at: datetime) -> None:
        """Notes a delivery that did not go through the backlog: the receiver refuses no longer."""

    def lease(self, export: Export, at: datetime, until: datetime) -> bool:
        """Takes the right to deliver the backlog until `until`; returns False if another call has it."""

    def release(self, export: Export) -> None: ...

    def dead_letters(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        """Returns the oldest dead letters, at most `limit`."""

    def revive(self, export: Export, at: datetime, parcels: Sequence[ExportBatch] | None = None) -> int:
        """Makes dead letters, all or `parcels`, parcels again, and returns how many."""

    def drop(self, export: Export, parcels: Sequence[ExportBatch]) -> None:
        """Removes dead letters for good; missing ones are no error."""

    def forget(self, export: Export) -> None:
        """Removes all that is stored for an export that was deleted."""

    def claim_push(self, export: Export, due: datetime | None, following: datetime) -> bool:
        """Makes `following` the time of the next push; returns False if the stored time is not `due` any more."""

    def sent(self, export: Export) -> Mapping[str, float]:
        """Returns the counters' totals when they were last sent."""

    def keep_sent(self, export: Export, sent: Mapping[str, float]) -> None: ...

    def put_backfill(self, backfill: Backfill) -> None: ...

    def get_backfill(self, organization: str, export: str, backfill_id: str) -> Backfill:
        """Returns a back-fill. Raises NotFound."""

    def list_backfills(self, organization: str, export: str) -> Sequence[Backfill]:
        """Returns an export's back-fills, newest first."""


class ExportWork(Protocol):
    """Sends messages to the exports' own Lambda (queue `exporting`), each `after` some time."""

    def drain(self, export: Export, after: timedelta) -> None: ...

    def push(self, export: Export, due: datetime, after: timedelta) -> None: ...

    def backfill(self, backfill: Backfill, after: timedelta) -> None: ...
