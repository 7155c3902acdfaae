"""The states of a runner's life and their transitions; the diagram in docs/runners.md is generated from them."""

from collections.abc import Mapping

from cadence.domain.runners.runner import RunnerState

S = RunnerState

TRANSITIONS: Mapping[tuple[RunnerState, RunnerState], str] = {
    (S.OFFERED, S.BOOTING): "a host takes it, or the infrastructure begins",
    (S.BOOTING, S.OFFERED): "no capacity, no answer, or its turn with the API has not come",
    (S.BOOTING, S.CLAIMED): "the agent calls home with the one-time token",
    (S.OFFERED, S.CLAIMED): "an agent calls home that a call without an answer had started",
    (S.CLAIMED, S.COMPLETED): "the agent hands in its result",
    (S.OFFERED, S.LOST): "its run or treatment ends before",
    (S.BOOTING, S.LOST): "the boot deadline passes",
    (S.CLAIMED, S.LOST): "no heartbeat renews its lease",
    (S.OFFERED, S.RELEASED): "it is no longer needed",
    (S.BOOTING, S.RELEASED): "it is no longer needed",
    (S.CLAIMED, S.RELEASED): "it is no longer needed",
    (S.COMPLETED, S.RELEASED): "its machine is ended",
}


def mermaid() -> str:
    """Returns the life of a runner as a Mermaid state diagram."""
    lines = [
        "stateDiagram-v2",
        "    [*] --> offered: where it may have to wait for capacity",
        "    [*] --> booting: everywhere else",
    ]
    lines += [f"    {source} --> {target}: {reason}" for (source, target), reason in TRANSITIONS.items()]
    ends = [state for state in RunnerState if not any(source is state for source, _ in TRANSITIONS)]
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join(lines) + "\n"
