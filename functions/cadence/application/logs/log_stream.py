"""Removes the log stream when it has not been needed for a day, and creates it again with the next run.

The stream is the only resource that is billed by the hour. While it is removed, agents keep the lines that were not
acknowledged, and send them again until they are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import Conflict, NotFound, Transient

# The stream keeps records for 24 hours: after that, it holds no record that could be waiting for the indexer.
IDLE = timedelta(hours=24)


class StackState(StrEnum):
    """The state of the log stream's stack."""

    ABSENT = "absent"
    COMING = "coming"
    PRESENT = "present"
    GOING = "going"
    BROKEN = "broken"


class StreamStack(Protocol):
    """The stack that holds the stream."""

    def state(self) -> StackState: ...

    def template(self) -> str:
        """Returns the template as it was deployed."""

    def create(self, template: str) -> None:
        """Begins to create the stack, without waiting for it. Raises Conflict if the stack exists."""

    def delete(self) -> None:
        """Begins to delete the stack, without waiting for it; an absent or already vanishing stack is no error."""


class SavedTemplate(Protocol):
    """Stores the template while the stack is removed."""

    def save(self, template: str) -> None: ...

    def load(self) -> str:
        """Returns the template. Raises NotFound."""


class StreamUsage(Protocol):
    """Stores when the stream was last needed. Reads are consistent."""

    def last_needed_at(self) -> datetime | None: ...

    def note(self, at: datetime) -> None: ...


class LiveRuns(Protocol):
    """Knows the runs that have not ended."""

    def any(self) -> bool:
        """Returns True if any run has not ended."""


@dataclass(frozen=True, kw_only=True)
class KeepLogStream:
    """Creates and removes the stream as it is needed. Every call may be repeated, and calls may run concurrently.

    ``needed`` notes the need before it reads the stack's state, and ``look`` reads the note again after it began to
    remove the stack: so one of the two always sees the other. Both raise Transient if they must be called again later.
    """

    parkable: bool
    stack: StreamStack
    saved: SavedTemplate
    need: StreamUsage
    live_runs: LiveRuns
    clock: Clock

    def needed(self) -> str:
        """Brings the stream back, since a run begins or lines wait. Returns, in words, what was done."""
        if not self.parkable:
            return "the log stream is never parked"
        self.need.note(self.clock())
        return self._bring()

    def look(self) -> str:
        """Checks hourly whether the stream is needed. Returns, in words, what was done."""
        if not self.parkable:
            return "the log stream is never parked"
        now = self.clock()
        last = self.need.last_needed_at()
        # A run that began long ago counts from the last hour in which it was seen.
        if last is None or self.live_runs.any():
            self.need.note(now)
            last = now
        return self._bring() if now - last < IDLE else self._park(last)

    def _bring(self) -> str:
        state = self.stack.state()
        if state in (StackState.PRESENT, StackState.COMING):
            return f"the log stream is {state}"
        if state is StackState.BROKEN:
            self.stack.delete()
        if state is not StackState.ABSENT:
            raise Transient("the log stream's stack is being removed; it can be created once it is gone")
        try:
            self.stack.create(self.saved.load())
        except NotFound as error:
            raise NotFound("the log stream was never deployed: run `npx cdk deploy --all`") from error
        except Conflict:
            return "the log stream is being created by another call"
        return "the log stream is being created"

    def _park(self, last_needed_at: datetime) -> str:
        if self.stack.state() is not StackState.PRESENT:
            return "the log stream is parked"
        self.saved.save(self.stack.template())
        self.stack.delete()
        if self.need.last_needed_at() != last_needed_at:
            raise Transient("the log stream was needed again while it was being removed")
        return "the log stream is being parked"
