"""Who watches which run, and the tickets with which browsers connect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class LiveTicket:
    """Lets one WebSocket connection act as a token, once; `ticket_sha256` is its digest (hex)."""

    ticket_sha256: str
    token_id: str
    organization: str
    expires_at: datetime


class LiveTickets(Protocol):
    """Stores tickets (table `logs`)."""

    def add(self, ticket: LiveTicket) -> None:
        """Stores a ticket."""

    def use(self, ticket_sha256: str) -> LiveTicket:
        """Removes a ticket and returns it. Raises NotFound; of two callers one gets it."""


@dataclass(frozen=True, kw_only=True)
class RunWatch:
    """A connection that watches a run, as a token in an organization.

    It gets deltas until `alive_until`, which the client's signs of life move, at the latest until `ends_at`.
    """

    connection_id: str
    run_id: str
    token_id: str
    organization: str
    alive_until: datetime
    ends_at: datetime


class RunWatches(Protocol):
    """Stores who watches which run, and the number of each watched run's last delta (table `logs`)."""

    def save(self, watch: RunWatch) -> None:
        """Stores a watch in place of an earlier one of the same connection and run."""

    def of_connection(self, connection_id: str) -> Sequence[RunWatch]:
        """Returns what a connection watches, also what it has not renewed in time."""

    def watchers(self, run_id: str, now: datetime) -> Sequence[str]:
        """Returns the ids of the connections that watch a run."""

    def remove(self, connection_id: str, run_id: str) -> None:
        """Removes a watch; a missing one is no error."""

    def last_number(self, run_id: str, until: datetime) -> int:
        """Returns the number of a run's last delta, 0 before the first; it is kept until `until` at least."""

    def next_number(self, run_id: str, until: datetime) -> int:
        """Returns the number of a run's next delta, each once."""
