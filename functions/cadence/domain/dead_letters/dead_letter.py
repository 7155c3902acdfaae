"""Dead letters: items that a part of the installation could not handle and keeps instead of losing them or stopping."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NOBODYS = "default"
"""The organization that every installation begins with; it owns the dead letters that belong to no known run."""


class DeadLetterKind(StrEnum):
    """The kind of item that could not be handled."""

    SEGMENT = "segment"
    """A segment of a log that could not be indexed."""
    RECORD = "record"
    """A record of the log stream that could not be read, or whose lines could not be written."""
    EXPORT = "export"
    """A batch that the receiver of an export refused for good."""
    MESSAGE = "message"
    """An alert's message that its channel refused for good."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One item that could not be handled.

    `key` identifies it within its kind; `what` describes it in words, `cause` states why it could not be handled.
    `project` is `*` for what belongs to the organization.
    """

    kind: DeadLetterKind
    key: tuple[str, ...]
    project: str
    at: datetime
    what: str
    cause: str

    @property
    def dead_letter_id(self) -> str:
        """The id, which stays the same for as long as the dead letter exists."""
        return f"{self.kind}-{hashlib.sha256('#'.join(self.key).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class StrayRecord:
    """A record of the log stream that is a dead letter. `object_key` has its bytes, `number` is its sequence number.

    `run_id` is the partition key under which the record was sent; it need not be the id of a run.
    """

    organization: str
    project: str
    run_id: str
    number: str
    object_key: str
    size: int
    at: datetime
    cause: str


@dataclass(frozen=True)
class SentRecord:
    """A received record: its sequence number, its partition key (a run's id), its bytes, and its time of arrival."""

    number: str
    run_id: str
    content: bytes
    arrived_at: datetime
