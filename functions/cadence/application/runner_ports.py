"""What the use cases for runners and hosts need from the outside, beside `ports.py`. Every write is safe to repeat."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cadence.domain.offer import Offer
from cadence.domain.resources import Sample
from cadence.domain.run import TreatmentSpec
from cadence.domain.runner import Runner
from cadence.domain.stream import Chunk, StreamEnd, StreamProgress

Specs = Callable[[str, str], TreatmentSpec]
"""The specification of a run's treatment. It never changes, so it may be remembered."""


@dataclass(frozen=True)
class Host:
    """A machine that joined a pool.

    `running` is what it said it runs; `handed` are runners leased to it that it has not yet said it runs. While it is
    `draining` it gets no further work. `labels` are what people know it by.
    """

    host_id: str
    organization: str
    pool: str
    name: str
    slots: int
    token_hash: str
    joined_at: datetime
    last_seen: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    handed: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    draining: bool = False


class Offers(Protocol):
    def offer(self, runner: Runner, noted: Mapping[str, Any]) -> None:
        """In one transaction: the treatment boots (`noted` are further fields of it), `runner` is there, and is offered to the hosts of its pool.

        Raises Conflict if the treatment is no longer to be placed at that attempt, or the runner is there already, unless it
        is offered still or has not begun in another pool.
        """


class HostStore(Protocol):
    """Hosts and the work offered to them (table `runners`)."""

    def put_host(self, host: Host) -> None: ...

    def get_host(self, organization: str, pool: str, host_id: str) -> Host:
        """Raises NotFound."""

    def list_hosts(self, organization: str, pool: str) -> Sequence[Host]: ...

    def drain(self, organization: str, pool: str, host_id: str, draining: bool) -> Host:
        """Whether it gets further work, from its next lease on. Raises NotFound."""

    def forget(self, organization: str, pool: str, host_id: str) -> None:
        """Its token is worth nothing from now on, and it has to join again. Forgetting what is not there is no error."""

    def note_seen(self, host: Host, at: datetime, running: Iterable[str], settled: Iterable[str]) -> None:
        """Notes that the host is there and what it runs; `settled` are runners that no longer need handing over."""

    def put_offer(self, runner: Runner, at: datetime) -> None: ...

    def remove_offer(self, organization: str, pool: str, offer: Offer) -> None:
        """Removing what is not there is no error."""

    def list_offers(self, organization: str, pool: str, limit: int, engine: str | None = None) -> Sequence[Offer]:
        """Those that the first `limit` in any fair order can be of: by priority, of every project, oldest run first.

        Of what a machine can do with this Mélodium engine (None: without any).
        """

    def lease(self, host: Host, offer: Offer, one_time_hash: str, at: datetime) -> bool:
        """Takes an offer for `host`: in one transaction it is removed and the runner boots there.

        False if it was taken or stopped, or is offered in another pool by now.
        """

    def lease_again(self, host: Host, runner_id: str, one_time_hash: str) -> bool:
        """A new one-time token for a runner on `host`, as the answer with the first was lost. False unless it boots."""

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        """Those that exist, by id."""


class StreamStates(Protocol):
    def get_progress(self, runner_id: str, port: str) -> StreamProgress: ...


class StreamStore(StreamStates, Protocol):
    """The chunks of runners' outputs and the positions of their consumers (table `runners`)."""

    def commit(
        self, runner_id: str, port: str, seen: StreamProgress, chunks: Sequence[Chunk], end: StreamEnd | None
    ) -> StreamProgress:
        """Adds `chunks` after those in `seen`, and the end. Raises Conflict if others committed since."""

    def list_chunks(self, runner_id: str, port: str, from_seq: int, limit: int) -> Sequence[Chunk]:
        """Committed chunks from `from_seq` on, at most `limit`."""

    def note_consumer(self, runner_id: str, port: str, consumer_id: str, next_seq: int) -> None:
        """Where a consumer stands in the stream."""

    def remove_consumer(self, runner_id: str, port: str, consumer_id: str) -> None: ...

    def consumers(self, runner_id: str, port: str) -> Mapping[str, int]:
        """Next chunk of each attached consumer, by its runner id."""


class SampleStore(Protocol):
    """What runners' commands used over time, but for what their results tell (table `runners`)."""

    def add(self, runner_id: str, samples: Sequence[Sample]) -> None:
        """Adding the same again changes nothing."""

    def list_samples(self, runner_id: str) -> Sequence[Sample]:
        """In order of their time."""


class Followers(Protocol):
    """Whether somebody watches a run live: its agents then send their lines at once."""

    def follow(self, run_id: str, until: datetime) -> None: ...

    def is_followed(self, run_id: str, now: datetime) -> bool: ...


class DataUrls(Protocol):
    """Presigned URLs of addresses (`ids.in_bucket`), valid for at least an hour. Made without a network call."""

    def upload(self, key: str) -> str: ...

    def download(self, key: str) -> str: ...


@dataclass(frozen=True)
class DoorbellUrl:
    """A GET of `url` returns when there may be work, at the latest after `wait_seconds`."""

    url: str
    wait_seconds: int


class Doorbell(Protocol):
    """Wakes the hosts of a pool."""

    def ring(self, organization: str, pool: str) -> None:
        """At least one listening host is woken; the others look by themselves."""

    def listen(self, organization: str, pool: str) -> DoorbellUrl: ...


@dataclass(frozen=True)
class LogLine:
    """A line as an agent sends it: masked, without its line end."""

    seq: int
    time: str  # RFC 3339, UTC, milliseconds
    stream: str
    level: str
    text: str
    continued: bool = False
    track: int | None = None  # of an engine's line


@dataclass(frozen=True)
class LogBatch:
    """Lines of one runner, in order."""

    run_id: str
    runner_id: str
    treatment: str
    attempt: int
    lines: Sequence[LogLine]
    pool: str | None = None


class LogSink(Protocol):
    def put(self, batch: LogBatch) -> int:
        """Returns the sequence number through which lines were durably taken (0 for none). Raises Transient."""


@dataclass(frozen=True)
class Secret:
    """A secret's value, and which of its versions that is."""

    value: str = field(repr=False)
    version: int


class SecretReader(Protocol):
    def decrypt(self, organization: str, project: str, wanted: Mapping[str, int | None]) -> Mapping[str, Secret]:
        """By name; each in the version that is wanted, None for the newest. Raises NotFound naming the first that is not kept."""


@dataclass(frozen=True)
class SecretDescription:
    name: str
    version: int
    updated_at: datetime


class SecretStore(SecretReader, Protocol):
    def put(self, organization: str, project: str, name: str, value: str, at: datetime) -> SecretDescription:
        """Encrypts and stores a new version; the one that it replaces is kept for replays for a while. A version's number is
        never used twice, not even after the secret was deleted. Raises TooLarge over 64 KiB (UTF-8)."""

    def has(self, organization: str, project: str, name: str, version: int) -> bool:
        """Whether this version is kept."""

    def describe(self, organization: str, project: str, name: str) -> SecretDescription:
        """Raises NotFound."""

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]: ...

    def delete(self, organization: str, project: str, name: str) -> None:
        """With all its versions. Raises NotFound."""


class Chunks(Protocol):
    """The content of values, in pieces (data bucket)."""

    def read(self, key: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on, none at the chunk's end. Raises NotFound."""

    def read_whole(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Each chunk's content, in this order; the next ones are fetched meanwhile. Raises NotFound."""

    def write(self, key: str, content: bytes) -> None: ...

    def exists(self, key: str) -> bool: ...

    def sizes(self, prefix: str) -> Iterator[int]:
        """Of the chunks whose keys are this prefix and a number of twelve digits, from 0 on without a gap; fetched as needed."""
