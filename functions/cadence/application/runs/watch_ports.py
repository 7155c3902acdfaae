"""Who watches which run or list of runs, and the tickets with which browsers connect."""

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


_LIST = "LIST#"


def list_of(organization: str) -> str:
    """Returns the subject of those who watch the list of an organization's runs."""
    return f"{_LIST}{organization}"


@dataclass(frozen=True, kw_only=True)
class RunWatch:
    """A connection that watches a run, or the list of an organization's runs, as a token in this organization.

    `subject` is the run's id, or `list_of` the organization. The connection gets messages until `alive_until`, which
    the client's signs of life move, at the latest until `ends_at`.
    """

    connection_id: str
    subject: str
    token_id: str
    organization: str
    alive_until: datetime
    ends_at: datetime

    @property
    def is_list(self) -> bool:
        return self.subject.startswith(_LIST)


class RunWatches(Protocol):
    """Stores who watches which subject, and the number of each watched run's last delta (table `logs`)."""

    def save(self, watch: RunWatch) -> None:
        """Stores a watch in place of an earlier one of the same connection and subject."""

    def of_connection(self, connection_id: str) -> Sequence[RunWatch]:
        """Returns what a connection watches, also what it has not renewed in time."""

    def watchers(self, subject: str, now: datetime) -> Sequence[str]:
        """Returns the ids of the connections that watch a subject."""

    def are_watching(self, organization: str | None, now: datetime) -> bool:
        """Returns whether anyone of an organization, or of any, watches anything; perhaps a minute too long."""

    def remove(self, connection_id: str, subject: str) -> None:
        """Removes a watch; a missing one is no error."""

    def last_number(self, run_id: str, until: datetime) -> int:
        """Returns the number of a run's last delta, 0 before the first; it is kept until `until` at least."""

    def next_number(self, run_id: str, until: datetime) -> int:
        """Returns the number of a run's next delta, each once."""
