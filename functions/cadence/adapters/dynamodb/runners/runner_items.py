"""Items of the `runners` table, and their translation to and from the domain.

Keys are in docs/architecture/storage.md.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)

from cadence.adapters.dynamodb.shared.stored_item import (
    CompactJsonAttribute,
    MomentAttribute,
    StoredItem,
    microseconds,
    moment,
)
from cadence.application.shared.runner_ports import Host
from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners import resources
from cadence.domain.runners.runner import (
    EngineEndpoint,
    OutputStream,
    Runner,
    RunnerOutcome,
    RunnerResult,
    RunnerShell,
    RunnerState,
)
from cadence.domain.runs.run import HIGHEST_PRIORITY
from cadence.domain.shared.ids import run_of_runner
from cadence.domain.shared.retention import KEPT
from cadence.domain.values import value_retention
from cadence.domain.values.stream import Chunk, StreamEnd, StreamProgress


def runner_partition(runner_id: str) -> str:
    return f"RUNNER#{runner_id}"


def pool_partition(organization: str, pool: str) -> str:
    return f"POOL#{organization}#{pool}"


def expiry() -> datetime:
    return datetime.now(UTC) + KEPT


class RunnersTable(StoredItem):
    """What all items of the table share. Each kind of item is a subclass."""

    class Meta:
        table_name: ClassVar[str] = "runners"


class RunnerItem(RunnersTable):
    """A runner. Each step of an attempt writes it, so it has to stay below 1 KB: what its key tells is left out."""

    SK: ClassVar[str] = "RUNNER"
    _IN_KEY: ClassVar[frozenset[str]] = frozenset({"runner_id", "run_id"})

    treatment = UnicodeAttribute()
    attempt = NumberAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    pool = UnicodeAttribute()
    provider = UnicodeAttribute()
    state = UnicodeAttribute()
    created_at = MomentAttribute()
    boot_deadline = NumberAttribute()
    one_time_hash = UnicodeAttribute(null=True)
    session_hash = UnicodeAttribute(null=True)
    host_id = UnicodeAttribute(null=True)
    booting_at = MomentAttribute(null=True)
    claimed_at = MomentAttribute(null=True)
    lease_until = MomentAttribute(null=True)
    deadline = MomentAttribute(null=True)
    task_token = UnicodeAttribute(null=True)
    cancel_reason = UnicodeAttribute(null=True)
    result = CompactJsonAttribute(null=True)
    phase = UnicodeAttribute(null=True)
    peaks = CompactJsonAttribute(null=True)
    facts = CompactJsonAttribute(null=True)
    priority = NumberAttribute(null=True)
    secret_versions = CompactJsonAttribute(null=True)
    boot_phases = CompactJsonAttribute(null=True)
    placed_at = MomentAttribute(null=True)
    sealed_token = UnicodeAttribute(null=True)
    ref = UnicodeAttribute(null=True)
    turn_at = MomentAttribute(null=True)
    console = UnicodeAttribute(null=True)
    held_until = MomentAttribute(null=True)
    machine_expires_at = MomentAttribute(null=True)
    listening = CompactJsonAttribute(null=True)
    offer = UnicodeAttribute(null=True)
    per_hour = NumberAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    left_tokens = CompactJsonAttribute(null=True)
    retention = CompactJsonAttribute(null=True)
    engine = UnicodeAttribute(null=True)
    shells = CompactJsonAttribute(null=True)

    @classmethod
    def key(cls, runner_id: str) -> tuple[str, str]:
        return runner_partition(runner_id), cls.SK

    @classmethod
    def of(cls, runner: Runner) -> "RunnerItem":
        item = cls(*cls.key(runner.runner_id))
        for field in dataclasses.fields(runner):
            if field.name in cls._IN_KEY:
                continue
            value = stored(field.name, getattr(runner, field.name))
            if value is not None:
                setattr(item, field.name, value)
        return item

    @property
    def runner_id(self) -> str:
        return self.pk.removeprefix(runner_partition(""))

    @property
    def run_id(self) -> str:
        return run_of_runner(self.runner_id)

    def runner(self) -> Runner:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Runner)}
        values["state"] = RunnerState(self.state)
        values["attempt"] = int(self.attempt)
        values["boot_deadline"] = int(self.boot_deadline)
        values["priority"] = int(self.priority or 0)
        values["per_hour"] = None if self.per_hour is None else float(self.per_hour)
        values["result"] = _result(self.result) if self.result else None
        values["listening"] = _listening(self.listening) if self.listening else None
        values["retention"] = value_retention.stored(self.retention)
        values["shells"] = {shell: RunnerShell(**held) for shell, held in (self.shells or {}).items()}
        for name in ("peaks", "facts", "secret_versions", "boot_phases", "left_tokens"):
            values[name] = values[name] or {}
        return Runner(**values)


def stored(name: str, value: Any) -> Any:
    """Returns the attribute value of a field of Runner."""
    if isinstance(value, RunnerResult):
        return _result_json(value)
    if isinstance(value, EngineEndpoint):
        return dataclasses.asdict(value)
    if isinstance(value, value_retention.ValueRetention):
        return value_retention.plain(value)
    if name == "state":
        return str(value)
    if name == "shells":
        return {shell: dataclasses.asdict(held) for shell, held in value.items()} or None
    if isinstance(value, Mapping):
        return {key: one for key, one in value.items() if one is not None} or None
    return value


def _result_json(result: RunnerResult) -> dict[str, Any]:
    """Returns what is not as it is by default: the item is billed by its size."""
    given = {
        **dataclasses.asdict(result),
        "outcome": str(result.outcome),
        "started_at": result.started_at and microseconds(result.started_at),
        "finished_at": result.finished_at and microseconds(result.finished_at),
        "usage": dict(result.usage),
        "samples": resources.encode(result.samples),
    }
    return {name: value for name, value in given.items() if value not in (None, [], {})}


def _result(value: Mapping[str, Any]) -> RunnerResult:
    times = {name: moment(value[name]) for name in ("started_at", "finished_at") if name in value}
    samples = resources.decode(value.get("samples", ()))
    return RunnerResult(**{**value, **times, "outcome": RunnerOutcome(value["outcome"]), "samples": samples})


def _listening(value: Mapping[str, Any]) -> EngineEndpoint:
    return EngineEndpoint(**{**value, "addresses": tuple(value["addresses"])})


class OutputItem(RunnersTable):
    PREFIX: ClassVar[str] = "OUTPUT#"

    next_seq = NumberAttribute()
    size = NumberAttribute()
    sha256 = UnicodeAttribute(null=True)
    chunks = NumberAttribute(null=True)
    preview = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def key(cls, runner_id: str, port: str) -> tuple[str, str]:
        return runner_partition(runner_id), cls.PREFIX + port

    def progress(self) -> StreamProgress:
        end = None
        if self.sha256 is not None:
            end = StreamEnd(int(self.size), self.sha256, int(self.chunks), self.preview or b"")
        return StreamProgress(int(self.next_seq), int(self.size), end)

    def output_stream(self) -> OutputStream:
        ended = self.sha256 is not None
        return OutputStream(
            port=self.sk.removeprefix(self.PREFIX),
            committed=int(self.chunks) if ended else int(self.next_seq),
            size=int(self.size),
            ended=ended,
            sha256=self.sha256,
            preview=self.preview or b"",
        )


class ChunksItem(RunnersTable):
    """Chunks that were committed together: sizes and digests in order, from the sequence number in the key on."""

    PREFIX: ClassVar[str] = "CHUNKS#"

    chunks = JSONAttribute()

    @classmethod
    def sort_key(cls, port: str, first_seq: int) -> str:
        return f"{cls.PREFIX}{port}#{first_seq:012}"

    @classmethod
    def of(cls, runner_id: str, port: str, chunks: "list[Chunk]") -> "ChunksItem":
        pairs = [[chunk.size, chunk.sha256] for chunk in chunks]
        return cls(runner_partition(runner_id), cls.sort_key(port, chunks[0].seq), chunks=pairs, expires_at=expiry())

    def chunk_list(self) -> "list[Chunk]":
        first = int(self.sk.rpartition("#")[2])
        return [Chunk(seq, size, sha256) for seq, (size, sha256) in enumerate(self.chunks, first)]


class SamplesItem(RunnersTable):
    """Samples of one heartbeat; those with the same first one replace each other."""

    PREFIX: ClassVar[str] = "SAMPLES#"

    samples = JSONAttribute()

    @classmethod
    def of(cls, runner_id: str, samples: Sequence[resources.ResourceSample]) -> "SamplesItem":
        encoded = resources.encode(samples)
        sort_key = f"{cls.PREFIX}{encoded[0][0]:015}"
        return cls(runner_partition(runner_id), sort_key, samples=encoded, expires_at=expiry())


class ConsumerItem(RunnersTable):
    PREFIX: ClassVar[str] = "CONSUMER#"

    next_seq = NumberAttribute()

    @classmethod
    def prefix(cls, port: str) -> str:
        return f"{cls.PREFIX}{port}#"

    @classmethod
    def key(cls, runner_id: str, port: str, consumer_id: str) -> tuple[str, str]:
        return runner_partition(runner_id), cls.prefix(port) + consumer_id


class OfferItem(RunnersTable):
    PREFIX: ClassVar[str] = "OFFER#"

    offered_at = UTCDateTimeAttribute()
    engine = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, runner: Runner, at: datetime) -> "OfferItem":
        key = cls.key(runner.organization, runner.pool, runner.as_offer)
        return cls(*key, offered_at=at, engine=runner.engine, expires_at=at + KEPT)

    @classmethod
    def key(cls, organization: str, pool: str, offer: RunnerOffer) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.lane(offer) + offer.runner_id

    @classmethod
    def lane(cls, offer: RunnerOffer) -> str:
        """Returns the beginning of the keys of one priority's and project's offers.

        The highest priority comes first.
        """
        return f"{cls.PREFIX}{HIGHEST_PRIORITY - offer.priority:03}#{offer.project}#"

    def offer(self) -> RunnerOffer:
        priority, project, runner_id = self.sk.removeprefix(self.PREFIX).split("#")
        return RunnerOffer(runner_id, project, HIGHEST_PRIORITY - int(priority), self.engine)


class HostItem(RunnersTable):
    PREFIX: ClassVar[str] = "HOST#"

    host_id = UnicodeAttribute()
    organization = UnicodeAttribute()
    pool = UnicodeAttribute()
    name = UnicodeAttribute()
    slots = NumberAttribute()
    token_hash = UnicodeAttribute()
    joined_at = UTCDateTimeAttribute()
    last_seen = UTCDateTimeAttribute()
    facts = JSONAttribute(null=True)
    handed = UnicodeSetAttribute(null=True)
    running = UnicodeSetAttribute(null=True)
    labels = JSONAttribute(null=True)
    draining = BooleanAttribute(null=True)
    last_call = NumberAttribute(default=0)

    @classmethod
    def key(cls, organization: str, pool: str, host_id: str) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.PREFIX + host_id

    def host(self) -> Host:
        return Host(
            host_id=self.host_id,
            organization=self.organization,
            pool=self.pool,
            name=self.name,
            slots=int(self.slots),
            token_hash=self.token_hash,
            joined_at=self.joined_at,
            last_seen=self.last_seen,
            facts=self.facts or {},
            handed=frozenset(self.handed or ()),
            running=frozenset(self.running or ()),
            labels=self.labels or {},
            draining=bool(self.draining),
            last_call=int(self.last_call),
        )


class FollowItem(RunnersTable):
    SK: ClassVar[str] = "FOLLOW"

    until = UTCDateTimeAttribute()

    @classmethod
    def key(cls, run_id: str) -> tuple[str, str]:
        return f"RUN#{run_id}", cls.SK


ITEMS: tuple[type[RunnersTable], ...] = (
    RunnersTable,
    RunnerItem,
    OutputItem,
    ChunksItem,
    SamplesItem,
    ConsumerItem,
    OfferItem,
    HostItem,
    FollowItem,
)
