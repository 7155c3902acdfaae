"""Through which states a runner's life goes, and why: what the diagram in docs/runners.md is drawn from."""

from collections.abc import Mapping

from cadence.domain.runners.runner import RunnerState

S = RunnerState

TRANSITIONS: Mapping[tuple[RunnerState, RunnerState], str] = {
    (S.OFFERED, S.BOOTING): "a host takes it, or the infrastructure begins",
    (S.BOOTING, S.OFFERED): "no room, no answer, or its turn with the API has not come",
    (S.BOOTING, S.CLAIMED): "the agent calls home with the one-time token",
    (S.OFFERED, S.CLAIMED): "an agent calls home that was started all the same, by a call whose answer was lost",
    (S.CLAIMED, S.COMPLETED): "the agent hands in its result",
    (S.OFFERED, S.LOST): "its run or treatment ends before",
    (S.BOOTING, S.LOST): "the boot deadline passes",
    (S.CLAIMED, S.LOST): "no heartbeat renews its lease",
    (S.OFFERED, S.RELEASED): "nobody needs it any more",
    (S.BOOTING, S.RELEASED): "nobody needs it any more",
    (S.CLAIMED, S.RELEASED): "nobody needs it any more",
    (S.COMPLETED, S.RELEASED): "its machine is ended",
}


def mermaid() -> str:
    """The life as a diagram."""
    lines = [
        "stateDiagram-v2",
        "    [*] --> offered: where it may have to wait for room",
        "    [*] --> booting: everywhere else",
    ]
    lines += [f"    {source} --> {target}: {why}" for (source, target), why in TRANSITIONS.items()]
    ends = [state for state in RunnerState if not any(source is state for source, _ in TRANSITIONS)]
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join(lines) + "\n"
