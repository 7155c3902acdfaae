"""What becomes of a machine in the eyes of the sweeper, and why: what the second diagram in docs/runners.md is drawn from."""

from collections.abc import Mapping
from enum import StrEnum

from cadence.providers.sweeping import LOOK_AGAIN


class MachineSweepState(StrEnum):
    WANTED = "wanted"
    MARKED = "marked"
    ENDED = "ended"


_MINUTES = round(LOOK_AGAIN.total_seconds() / 60)

TRANSITIONS: Mapping[tuple[MachineSweepState, MachineSweepState], str] = {
    (MachineSweepState.WANTED, MachineSweepState.MARKED): "nobody wants it",
    (MachineSweepState.MARKED, MachineSweepState.WANTED): "somebody does after all",
    (
        MachineSweepState.MARKED,
        MachineSweepState.ENDED,
    ): f"{_MINUTES} min later at the earliest, looked at again, still nobody does",
}


def mermaid() -> str:
    """The diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {MachineSweepState.WANTED}"]
    lines += [f"    {source} --> {target}: {why}" for (source, target), why in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {MachineSweepState.ENDED} --> [*]: the inventory tells it no more"]) + "\n"
