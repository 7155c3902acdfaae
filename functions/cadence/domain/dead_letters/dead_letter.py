"""What a part of the installation could not handle and kept, instead of losing it or stopping at it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NOBODYS = "default"
"""The organization that every installation begins with: what belongs to no known run is its."""


class DeadLetterKind(StrEnum):
    SEGMENT = "segment"
    """A segment of a log that could not be indexed."""
    RECORD = "record"
    """A record of the log stream that could not be read, or whose lines could not be written."""
    EXPORT = "export"
    """What the receiver of an export refused for good."""
    MESSAGE = "message"
    """An alert's message that its channel refused for good."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`key` is what its kind finds it by, `what` and `cause` say in words what it is and why it is here.

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
        """The same for as long as it is set aside."""
        return f"{self.kind}-{hashlib.sha256('#'.join(self.key).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class StrayRecord:
    """A record of the log stream that was set aside: `object_key` is where its bytes are, `number` its sequence number.

    `run_id` is what the record was sent under, which need not be a run at all.
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
    """A record as it came: its sequence number, what it was sent under (a run's id), its bytes, and when it arrived."""

    number: str
    run_id: str
    content: bytes
    arrived_at: datetime
