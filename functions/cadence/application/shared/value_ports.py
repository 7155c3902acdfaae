"""Ports over the content of values, shared by several rooms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.domain.values.stream import StreamProgress
from cadence.domain.values.value_retention import ValueRetention


class StreamStates(Protocol):
    def get_progress(self, runner_id: str, port: str) -> StreamProgress: ...


class DataUrls(Protocol):
    """Presigned URLs of addresses (`ids.in_bucket`), valid for at least an hour. Made without a network call."""

    def upload(self, key: str) -> str: ...

    def download(self, key: str) -> str: ...


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


@dataclass(frozen=True)
class AttemptRetention:
    """What holds for all that one attempt of a treatment sends."""

    treatment: str
    attempt: int
    retention: ValueRetention


class ValueRetentionStore(Protocol):
    """Table `runs`. Every write is safe to repeat, reads are consistent."""

    def note(self, run_id: str, treatment: str, attempt: int, retention: ValueRetention) -> None:
        """Also notes of the run that it has some. Before anything is sent."""

    def list(self, run_id: str, treatments: Iterable[str] | None = None) -> Sequence[AttemptRetention]:
        """Of all attempts of these treatments (None: of all)."""

    def forget_digests(self, run_id: str, treatment: str, attempt: int) -> None:
        """Of all that the attempt sent."""
