"""What a treatment's state machine does next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class NextState(StrEnum):
    LAUNCH = "launch"
    LATER = "later"  # the same launch, when its turn with the infrastructure's API has come
    SETTLE = "settle"
    RELEASE = "release"
    RETRY = "retry"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class MachineStep:
    """`then` follows a release, `attempt` is the next one's number, which begins after `wait_seconds`. `function` and `runner_id` say who starts or releases what."""

    next: NextState
    attempt: int
    then: NextState | None = None
    function: str | None = None
    runner_id: str | None = None
    wait_seconds: int = 0

    def as_json(self) -> Mapping[str, Any]:
        """Every field is there, so that the machine can tell them by their paths."""
        return asdict(self)


def after_release(step: MachineStep, function: str, runner_id: str) -> MachineStep:
    """`step`, once the runner has been released."""
    return MachineStep(
        next=NextState.RELEASE,
        attempt=step.attempt,
        then=step.next,
        function=function,
        runner_id=runner_id,
        wait_seconds=step.wait_seconds,
    )
