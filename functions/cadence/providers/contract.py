"""What every infrastructure offers. One instance serves one pool.

No call waits for a machine to come up or to go away; "not yet" is an answer (`Condition.STARTING`). Whatever is
created is named after the runner's id and carries its pool, so that a repeated `start` adopts what the first created.

Errors are decisions: `Transient` (call again), `NotReady` (call again later), `CapacityExhausted` (try the next pool),
`ProviderRejected` (never works like this; the message holds the infrastructure's own words).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cadence.domain.runner import RunnerState


@dataclass(frozen=True)
class RunnerRequest:
    """One runner to be started."""

    runner_id: str
    boot_deadline: int  # seconds from when the infrastructure has begun


class Condition(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    GONE = "gone"


class Provider(Protocol):
    @property
    def first_state(self) -> RunnerState:
        """State of a runner that was asked for: `OFFERED` if it may have to wait for room, else `BOOTING`."""

    def start(self, request: RunnerRequest) -> str:
        """Asks for a runner and returns its reference: a string from which `describe` and `stop` find it again."""

    def describe(self, ref: str) -> Condition:
        """A missing one is `GONE`."""

    def stop(self, ref: str) -> None:
        """Ends it. Stopping what is missing, or has ended, is success."""

    def list_owned(self) -> Iterable[str]:
        """References of everything of this pool that exists, also of what nobody remembers."""
