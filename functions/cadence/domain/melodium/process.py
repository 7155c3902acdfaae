"""A Mélodium process as a run: what is known of it from the start, and what it has reported of itself."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class MelodiumRun:
    """What makes a run one of an engine. Its run id is the engine's own UUID.

    `group_id` ties a root run and its workers, `parent_id` is the run of the engine that asked for this one.
    `position` is where it stands among the runs of its project, in which ULIDs order by time and UUIDs would not.
    `known_as` is what the key of a worker is known again by where an engine tells that it got it (`redaction.digest`).
    `supervised`: Cadence itself started the process, in a treatment of this run; otherwise somebody else did, and all that
    is known of its end is what it says.
    """

    group_id: str
    position: str
    version: str
    mode: str
    parent_id: str | None = None
    tags: tuple[str, ...] = ()
    supervised: bool = False
    known_as: str | None = None


class ProcessOutcome(StrEnum):
    """How a process said that it ended. An engine that reports on itself always says `SUCCESS`."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What a process has said of itself so far.

    `reporting_at` is when it asked where to send its logs and events. `launch_errors` are why it could not be launched.
    `logs_chunks` and `debug_chunks` count what it said it has uploaded.
    """

    reporting_at: datetime | None = None
    launched_at: datetime | None = None
    launch_errors: tuple[str, ...] = ()
    ended_at: datetime | None = None
    ended: ProcessOutcome | None = None
    messages: tuple[str, ...] = ()
    logs_chunks: int = 0
    debug_chunks: int = 0
    tags: frozenset[str] = field(default_factory=frozenset)
    version: str | None = None
