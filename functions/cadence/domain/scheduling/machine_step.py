"""The next step of a treatment's state machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

PLACED, DECIDED = "Placed", "Decided"
"""The errors by which a waiting state catches a step."""


class NextState(StrEnum):
    """The state that a treatment's state machine goes to next."""

    LAUNCH = "launch"
    LATER = "later"  # the same launch, once the rate limit of the infrastructure's API allows it
    SETTLE = "settle"
    RELEASE = "release"
    RETRY = "retry"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class MachineStep:
    """The next step of a treatment's state machine.

    `then` follows a release. `attempt` is the number of the next attempt, which begins after `wait_seconds`. `function`
    and `runner_id` name the Lambda that starts or releases, and the runner; `placement` is what it starts.
    """

    next: NextState
    attempt: int
    then: NextState | None = None
    function: str | None = None
    runner_id: str | None = None
    wait_seconds: int = 0
    placement: Mapping[str, Any] | None = None

    @property
    def ends(self) -> bool:
        """Whether nothing but the runner's release follows, so that the machine need not read the step."""
        return NextState.DONE in {self.next, self.then}

    @property
    def name(self) -> str:
        """The error by which a waiting state catches the step, unless it `ends`."""
        return PLACED if self.next is NextState.LAUNCH else DECIDED

    def as_json(self) -> Mapping[str, Any]:
        """Returns all fields, also empty ones, so that the machine can refer to them by their paths."""
        return asdict(self)


def after_release(step: MachineStep, function: str, runner_id: str) -> MachineStep:
    """Returns the release of the runner, followed by `step`."""
    return MachineStep(
        next=NextState.RELEASE,
        attempt=step.attempt,
        then=step.next,
        function=function,
        runner_id=runner_id,
        wait_seconds=step.wait_seconds,
    )


def settling(attempt: int, function: str, runner_id: str) -> MachineStep:
    """Returns the step that settles the treatment by the runner's result."""
    return MachineStep(next=NextState.SETTLE, attempt=attempt, function=function, runner_id=runner_id)
