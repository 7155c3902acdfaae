"""Ports shared by several rooms. Adapters implement these; tests use fakes.

Every write is safe to repeat. `Conflict` means that the stored state is no longer the one the caller read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from cadence.domain.placement.pool import Pool

T = TypeVar("T")

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a listing. `after` is the position to continue from, None at the end."""

    items: Sequence[T]
    after: str | None


class PoolStore(Protocol):
    """Reads the pools of an organization."""

    def get_pool(self, organization: str, name: str) -> Pool:
        """Returns a pool. Raises NotFound."""

    def list_pools(self, organization: str) -> Sequence[Pool]:
        """Returns all pools of the organization."""


class Documents(Protocol):
    """Immutable documents and other JSON by digest (bucket `data`, `documents/`)."""

    def put(self, content: bytes) -> str:
        """Stores `content` and returns its SHA-256 in hexadecimal digits."""

    def get(self, sha256: str) -> bytes:
        """Returns the content with this digest. Raises NotFound."""


LIVE_PATH = "/v1/live/socket"
"""The path of the WebSocket API, as the audit log names it."""
ALIVE_FOR = timedelta(seconds=60)
"""A client sends a sign of life every 15 seconds; one that has not for so long gets no more messages."""
LARGEST_MESSAGE = 120_000
"""Characters of a message, which has at most 128 KiB."""


class Sockets(Protocol):
    """Sends messages to open WebSocket connections."""

    def post(self, connection_id: str, message: str) -> None:
        """Sends `message` to a connection. Raises Gone if the connection is closed, Transient."""
