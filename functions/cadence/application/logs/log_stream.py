"""Takes the log stream away when nobody has needed it for a day, and brings it back with the next run.

The stream is the one thing that is billed by the hour. While it is away, agents keep the lines that were not
acknowledged, and send them again until they are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import Conflict, NotFound, Transient

# The stream keeps records for 24 hours: after that, nothing that it still holds could be waiting for the indexer.
IDLE = timedelta(hours=24)


class StackState(StrEnum):
    """Where the log stream's stack stands."""

    ABSENT = "absent"
    COMING = "coming"
    PRESENT = "present"
    GOING = "going"
    BROKEN = "broken"


class StreamStack(Protocol):
    """The stack that holds the stream."""

    def state(self) -> StackState: ...

    def template(self) -> str:
        """As it was deployed."""

    def create(self, template: str) -> None:
        """Returns at once. Raises Conflict if the stack exists."""

    def delete(self) -> None:
        """Returns at once; a stack that is absent or going already is left alone."""


class SavedTemplate(Protocol):
    """Where the template is kept while the stack is away."""

    def save(self, template: str) -> None: ...

    def load(self) -> str:
        """Raises NotFound."""


class StreamUsage(Protocol):
    """When the stream was last needed. Reads are consistent."""

    def last_needed_at(self) -> datetime | None: ...

    def note(self, at: datetime) -> None: ...


class LiveRuns(Protocol):
    """Whether any run is going on."""

    def any(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class KeepLogStream:
    """The stream follows the need. Every call may be repeated, and calls may run at the same time.

    ``needed`` notes the need before it looks at the stack, and ``look`` looks at the note again after it began to
    take the stack away: so one of the two always sees the other. Transient asks to be called again later.
    """

    parkable: bool
    stack: StreamStack
    saved: SavedTemplate
    need: StreamUsage
    live_runs: LiveRuns
    clock: Clock

    def needed(self) -> str:
        """A run begins, or lines wait. Says what was done."""
        if not self.parkable:
            return "the log stream is never parked"
        self.need.note(self.clock())
        return self._bring()

    def look(self) -> str:
        """The hourly look. Says what was done."""
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
