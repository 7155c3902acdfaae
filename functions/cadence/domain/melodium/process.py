"""Mélodium processes as runs: the facts known from the start, and the process's own reports."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class MelodiumRun:
    """The facts about a run that is an engine's process. Its run id is the engine's own UUID.

    `group_id` connects a root run and its workers, `parent_id` is the run of the engine that requested this one.
    `position` is its sort key among the runs of its project, in which ULIDs order by time and UUIDs would not.
    `known_as` is the digest by which the key of a worker is recognized in the reports of engines (`redaction.digest`).
    `supervised`: Cadence itself started the process, in a treatment of this run; otherwise only the process itself
    reports its end.
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
    """The outcome that a process reported. An engine that reports on itself always reports `SUCCESS`."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The reports of a process about itself so far.

    `reporting_at` is when it requested the addresses for its logs and events. `launch_errors` are the reasons why it
    could not be launched. `logs_chunks` and `debug_chunks` are the numbers of chunks that it reported as uploaded.
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
