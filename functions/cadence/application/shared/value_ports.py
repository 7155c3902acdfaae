"""Ports over the content of values, shared by several rooms."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cadence.domain.values.stream import StreamProgress
from cadence.domain.values.value_retention import ValueRetention


class StreamStates(Protocol):
    """Reads how far the outputs of runners have been sent."""

    def get_progress(self, runner_id: str, port: str) -> StreamProgress:
        """Returns the progress of one output of a runner."""


LENGTH_HEADER: Final = "content-length"
"""Signed with the URL of an upload: the store accepts a body of this length only."""


def upload_headers(sha256: str) -> Mapping[str, str]:
    """Returns the headers that are signed with the URL of an upload, and sent with it.

    What was uploaded cannot be replaced with the same URL, and the store accepts a body with this digest (hex) only.
    """
    return {"if-none-match": "*", "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode()}


@dataclass(frozen=True)
class StoredObject:
    """An object as the store has it: its size in bytes and its digest (hex), if it was uploaded with one."""

    size: int
    sha256: str | None


class DataUrls(Protocol):
    """Makes presigned URLs of addresses (`ids.in_bucket`), valid for at least an hour, without a network call."""

    def upload(self, key: str, length: int, sha256: str) -> str:
        """Returns a URL that accepts a PUT of `length` bytes with this digest and with `upload_headers` of it.

        It is refused if the object exists (412).
        """

    def download(self, key: str) -> str:
        """Returns a URL from which the object is read."""


class Chunks(Protocol):
    """The content of values, in pieces (data bucket)."""

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Returns at most `length` bytes from `offset` on, none at the chunk's end. Raises NotFound."""

    def read_whole(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yields each chunk's content in this order, fetching the next ones meanwhile. Raises NotFound."""

    def write(self, key: str, content: bytes) -> None:
        """Writes a chunk."""

    def exists(self, key: str) -> bool:
        """Whether the chunk exists."""

    def sizes(self, prefix: str) -> Iterator[int]:
        """Yields the sizes in bytes of the chunks whose keys are this prefix and a number of always as many digits.

        Numbers count from 0 without a gap; the sizes are fetched as needed.
        """


@dataclass(frozen=True)
class AttemptRetention:
    """The retention of everything that one attempt of a treatment sends."""

    treatment: str
    attempt: int
    retention: ValueRetention


class ValueRetentionStore(Protocol):
    """Retentions of values (table `runs`). Every write is safe to repeat, reads are consistent."""

    def note(self, run_id: str, treatment: str, attempt: int, retention: ValueRetention) -> None:
        """Notes the attempt's retention, and for the run that it has some. Called before anything is sent."""

    def list(self, run_id: str, treatments: Iterable[str] | None = None) -> Sequence[AttemptRetention]:
        """Returns the retentions of all attempts of these treatments (None: of all treatments)."""

    def forget_digests(self, run_id: str, treatment: str, attempt: int) -> None:
        """Removes the digests of everything that the attempt sent."""
