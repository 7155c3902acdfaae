"""The states of a machine for the sweeper; the second diagram in docs/runners.md is generated from them."""

from collections.abc import Mapping
from enum import StrEnum

from cadence.providers.sweeping import LOOK_AGAIN


class MachineSweepState(StrEnum):
    """The state of a machine for the sweeper."""

    WANTED = "wanted"
    MARKED = "marked"
    ENDED = "ended"


_MINUTES = round(LOOK_AGAIN.total_seconds() / 60)

TRANSITIONS: Mapping[tuple[MachineSweepState, MachineSweepState], str] = {
    (MachineSweepState.WANTED, MachineSweepState.MARKED): "it is unwanted",
    (MachineSweepState.MARKED, MachineSweepState.WANTED): "it is wanted after all",
    (
        MachineSweepState.MARKED,
        MachineSweepState.ENDED,
    ): f"{_MINUTES} min later at the earliest, checked again, still unwanted",
}


def mermaid() -> str:
    """Returns the states as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {MachineSweepState.WANTED}"]
    lines += [f"    {source} --> {target}: {reason}" for (source, target), reason in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {MachineSweepState.ENDED} --> [*]: the inventory no longer lists it"]) + "\n"
