"""Reports where every byte that a run left lies, how long, and who was given it."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.access.ports import AuditTrail
from cadence.application.provenance.ports import CacheHistory
from cadence.application.runs.run_details import RunDetails
from cadence.application.shared.ports import LIVE_PATH
from cadence.application.shared.value_ports import ValueRetentionStore
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.audit import AuditEntry, AuditFilter, AuditKind
from cadence.domain.deletion.legal_hold import LegalHold, hold_against_deleting
from cadence.domain.runs.run import Run, Value
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.run_data import DataKind, DataName, LocatedData, name_of_key
from cadence.domain.values.value_retention import bucket_of

_MOST_OBJECTS = 100_000
_MOST_AUDIT_PAGES = 20
_AUDIT_PAGE = 200
# Requests that read lines of many runs.
_ACROSS_RUNS = ("/v1/logs", LIVE_PATH, "/v1/alerts", "/v1/dead-letters/")
# What does not end with the run.
_OF_PROJECT = frozenset({DataKind.CACHE, DataKind.SOURCE, DataKind.DOCUMENT})


@dataclass(frozen=True)
class FoundObject:
    """An object of a bucket: its key, size in bytes, and when it was written."""

    key: str
    size: int
    written_at: datetime


class ObjectPlaces(Protocol):
    """What buckets say of their objects; an address begins with the bucket (`ids.in_bucket`)."""

    def find(self, prefix: str) -> Iterable[FoundObject]:
        """Returns the objects below a prefix. Raises NotFound if the bucket is not used any more, Transient."""

    def place(self, bucket: str | None) -> tuple[str, str | None]:
        """Returns a bucket's name and region. Raises NotFound."""

    def encryption(self, address: str) -> str | None:
        """Returns how an object is encrypted, in words; None if that cannot be seen."""


@dataclass(frozen=True)
class FoundRecords:
    """Items of a table that have something of a run: what they are, how many, about how many bytes, and until when."""

    table: str
    label: str
    items: int
    size: int
    expire_at: datetime | None


class RunRecords(Protocol):
    """Measures the items of a run."""

    def of_run(self, run_id: str, runners: Iterable[str]) -> tuple[Sequence[FoundRecords], bool]:
        """Returns the items of a run and of its runners by table and kind, and whether they are all. Raises Transient.

        `runners` are the ids of its runners, one for each attempt.
        """


@dataclass(frozen=True)
class RunDataReport:
    """What lies where, and the reads that the audit log has; each may have been more than there was time to list."""

    data: Sequence[LocatedData]
    data_complete: bool
    reads: Sequence[AuditEntry]
    reads_complete: bool


@dataclass
class _Group:
    objects: int = 0
    size: int = 0
    oldest: datetime | None = None
    sample: str = ""


@dataclass(frozen=True, kw_only=True)
class LocateRunData:
    """Makes reports. `longest` is how long the installation's bucket keeps objects, `kept` how long a project does."""

    places: ObjectPlaces
    records: RunRecords
    retentions: ValueRetentionStore
    caches: CacheHistory
    audit: AuditTrail
    holds: Callable[[str], Sequence[LegalHold]]
    kept: Callable[[str, str], timedelta]
    longest: timedelta

    def report(self, details: RunDetails) -> RunDataReport:
        """Returns the report about a run. Raises Transient."""
        run = details.run
        retentions = {(one.treatment, one.attempt): one.retention for one in self.retentions.list(run.run_id)}
        hold = hold_against_deleting(self.holds(run.organization), run.organization, run.project, run.run_id)
        located = _Located(self, details, hold is not None, {key: one.bucket for key, one in retentions.items()})
        complete = True
        for bucket in (None, *sorted({one.bucket for one in retentions.values() if one.bucket})):
            complete &= located.add_bucket(bucket)
        there = {one.name for one in located.data}
        for value in details.values.values():
            located.add_missing(value, there)
        located.add_caches()
        located.add_shared()
        complete &= located.add_records()
        reads, reads_complete = self._reads(run)
        return RunDataReport(located.data, complete, reads, reads_complete)

    def _reads(self, run: Run) -> tuple[Sequence[AuditEntry], bool]:
        wanted = AuditFilter(kind=AuditKind.VALUE, since=run.created_at)
        found: list[AuditEntry] = []
        before: str | None = None
        for _ in range(_MOST_AUDIT_PAGES):
            page = self.audit.entries(run.organization, _AUDIT_PAGE, before, wanted)
            found += (entry for entry in page.items if _may_read(entry, run))
            before = page.after
            if before is None:
                return found, True
        return found, False


class _Located:
    """The data of one run, as it is found."""

    def __init__(
        self,
        using: LocateRunData,
        details: RunDetails,
        held: bool,
        buckets: Mapping[tuple[str, int], str | None],
    ) -> None:
        """`buckets` are those of attempts in pools with one of their own."""
        self._using, self._details, self._held, self._buckets = using, details, held, buckets
        self._run = details.run
        finished = self._run.finished_at
        # The project's retention is read once for all rows, not at all while the run goes on.
        self._ends = finished and finished + using.kept(self._run.organization, self._run.project)
        self._readers = _readers(details)
        self._encryptions: dict[str | None, str | None] = {}
        self.data: list[LocatedData] = []

    def add_bucket(self, bucket: str | None) -> bool:
        """Adds what lies in a bucket; returns whether all of it was listed."""
        groups: Mapping[DataName, _Group] = defaultdict(_Group)
        number = 0
        for found in self._using.places.find(ids.in_bucket(bucket, f"runs/{self._run.run_id}/")):
            group = groups[name_of_key(found.key)]
            group.objects, group.size, group.sample = group.objects + 1, group.size + found.size, found.key
            group.oldest = min(group.oldest or found.written_at, found.written_at)
            number += 1
            if number >= _MOST_OBJECTS:
                break
        for name, group in sorted(groups.items(), key=lambda item: _order(item[0])):
            self._add(name, bucket, group)
        return number < _MOST_OBJECTS

    def add_missing(self, value: Value, there: Container[DataName]) -> None:
        """Adds a value of which nothing was found: it was removed, or another run has it."""
        name = DataName(DataKind.VALUE, value.treatment, value.attempt, value.port)
        if name in there:
            return
        own = value.kept_from is None and value.origin is None and value.stored_prefix is None
        self._add(name, bucket_of(value.retention), _Group(), value.size, "" if own else " (kept with another run)")

    def add_caches(self) -> None:
        """Adds the entries of caches that attempts saved or restored: they belong to the project."""
        for treatment in self._details.treatments.values():
            for attempt in range(1, treatment.attempt + 1 if self._has_caches(treatment.name) else 1):
                runner = ids.runner_id(self._run.run_id, treatment.name, attempt)
                uses = [("saved", use) for use in self._using.caches.saved(runner)]
                uses += [("restored", use) for use in self._using.caches.restored(runner)]
                bucket = self._buckets.get((treatment.name, attempt))
                for verb, use in uses:
                    prefix = ids.cache_prefix(self._run.organization, self._run.project, use.entry, bucket)
                    found = list(self._using.places.find(prefix))
                    name = DataName(DataKind.CACHE, treatment.name, attempt)
                    group = _Group(len(found), sum(one.size for one in found), None, found[0].key if found else "")
                    self._add(name, bucket, group, use.size, f" {verb} {use.key}")

    def add_shared(self) -> None:
        """Adds what other runs may use, too: documents, and files of commits and working trees."""
        run = self._run
        documents = {"document": run.document_sha256, "plan": run.plan_sha256, "what it takes over": run.kept_sha256}
        for label, sha256 in {**documents, **run.pins}.items():
            if sha256:
                self._add_shared(DataKind.DOCUMENT, label, ids.document_key(sha256))
        stored = {one.stored.prefix for spec in self._details.specs.values() for one in spec.inputs if one.stored}
        for prefix in sorted(stored):
            self._add_shared(DataKind.SOURCE, "files of the commit or working tree", prefix)

    def _add_shared(self, kind: DataKind, label: str, prefix: str) -> None:
        found = list(self._using.places.find(prefix))
        if found:
            group = _Group(len(found), sum(one.size for one in found), None, found[0].key)
            self._add(DataName(kind), None, group, label=label)

    def add_records(self) -> bool:
        """Adds the items of tables; returns whether all of them were measured."""
        runners = (
            ids.runner_id(self._run.run_id, treatment.name, attempt)
            for treatment in self._details.treatments.values()
            for attempt in range(1, treatment.attempt + 1)
        )
        found, complete = self._using.records.of_run(self._run.run_id, runners)
        region = self._using.places.place(None)[1]
        self.data += [
            LocatedData(
                name=DataName(DataKind.RECORD),
                label=one.label,
                pool=None,
                bucket=f"table {one.table}",
                region=region,
                objects=one.items,
                bytes=one.size,
                kept_until=None if self._held else one.expire_at,
                held=self._held,
                encryption="DynamoDB's key (AES-256)",
            )
            for one in found
        ]
        return complete

    def _has_caches(self, treatment: str) -> bool:
        spec = self._details.specs.get(treatment)
        return spec is not None and bool(spec.caches)

    def _add(
        self,
        name: DataName,
        bucket: str | None,
        group: _Group,
        sent: int | None = None,
        suffix: str = "",
        label: str | None = None,
    ) -> None:
        where, region = self._using.places.place(bucket)
        if name.kind is DataKind.VALUE and sent is None:
            value = self._details.values.get((str(name.treatment), str(name.port)))
            sent = value.size if value is not None and value.attempt == name.attempt else None
        self.data.append(
            LocatedData(
                name=name,
                label=(label or _label(name)) + suffix,
                pool=self._pool(name),
                bucket=where,
                region=region,
                objects=group.objects,
                bytes=group.size,
                sent=sent,
                kept_until=self._kept_until(group),
                held=self._held and name.kind not in _OF_PROJECT and group.objects > 0,
                encryption=self._encryption(bucket, group),
                read_by=self._readers.get((str(name.treatment), str(name.port)), ()),
            )
        )

    def _pool(self, name: DataName) -> str | None:
        treatment = self._details.treatments.get(name.treatment or "")
        if treatment is None:
            return None
        if name.attempt == treatment.attempt:
            return treatment.pool
        runner = ids.runner_id(self._run.run_id, treatment.name, name.attempt or 0)
        try:
            return self._details.runners.get_runner(runner).pool
        except NotFound:
            return None  # its record has expired

    def _kept_until(self, group: _Group) -> datetime | None:
        if group.oldest is None or self._ends is None or self._held:
            return None
        return min(self._ends, group.oldest + self._using.longest)

    def _encryption(self, bucket: str | None, group: _Group) -> str | None:
        if not group.sample:
            return None
        if bucket not in self._encryptions:
            self._encryptions[bucket] = self._using.places.encryption(ids.in_bucket(bucket, group.sample))
        return self._encryptions[bucket]


def _may_read(entry: AuditEntry, run: Run) -> bool:
    """Returns whether an entry is of a read of the run, or of lines of many runs of its project or all of them."""
    if entry.target.startswith(f"/v1/runs/{run.run_id}/"):
        return True
    return entry.target.startswith(_ACROSS_RUNS) and entry.project in {run.project, ALL_PROJECTS}


def _readers(details: RunDetails) -> Mapping[tuple[str, str], tuple[str, ...]]:
    readers: dict[tuple[str, str], tuple[str, ...]] = {}
    for source, reader in _connections(details):
        readers[source] = (*readers.get(source, ()), reader)
    return readers


def _connections(details: RunDetails) -> Iterator[tuple[tuple[str, str], str]]:
    for name, spec in details.specs.items():
        treatment = details.treatments.get(name)
        given = treatment is not None and treatment.started_at is not None
        for port in spec.inputs if given else ():
            if port.source_treatment is not None and port.source_port is not None:
                yield (port.source_treatment, port.source_port), name


def _label(name: DataName) -> str:
    if name.treatment is None:
        return {DataKind.LOG: "log lines", DataKind.ENGINE: "reports of the engine"}.get(name.kind, "other objects")
    attempt = f" (attempt {name.attempt})" if name.attempt and name.attempt > 1 else ""
    return (f"{name.treatment}.{name.port}" if name.port else name.treatment) + attempt


def _order(name: DataName) -> tuple[str, str, int, str]:
    return str(name.kind), name.treatment or "", name.attempt or 0, name.port or ""
