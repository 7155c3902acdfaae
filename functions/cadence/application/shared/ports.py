"""What the use cases need from the outside. Adapters implement these; tests use fakes.

Every write is safe to repeat. `Conflict` means that the stored state is no longer the one the caller saw.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from cadence.domain.placement.pool import Pool

T = TypeVar("T")

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Page(Generic[T]):
    items: Sequence[T]
    after: str | None  # position to go on from, None at the end


class PoolStore(Protocol):
    def get_pool(self, organization: str, name: str) -> Pool:
        """Raises NotFound."""

    def list_pools(self, organization: str) -> Sequence[Pool]: ...


class Documents(Protocol):
    """Immutable documents and other JSON by digest (bucket `data`, `documents/`)."""

    def put(self, content: bytes) -> str:
        """Stores and returns the SHA-256."""

    def get(self, sha256: str) -> bytes:
        """Raises NotFound."""

    # Waits longer than a queue can delay a message are cut short; the watchdog then looks and sends the next one.


class Sockets(Protocol):
    def post(self, connection_id: str, message: str) -> None:
        """Raises Gone if the connection is closed, Transient."""
