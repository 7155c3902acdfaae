"""What becomes of a machine in the eyes of the sweeper, and why: what the second diagram in docs/runners.md is drawn from."""

from collections.abc import Mapping
from enum import StrEnum

from cadence.providers.sweeping import LOOK_AGAIN


class Seen(StrEnum):
    WANTED = "wanted"
    MARKED = "marked"
    ENDED = "ended"


_MINUTES = round(LOOK_AGAIN.total_seconds() / 60)

TRANSITIONS: Mapping[tuple[Seen, Seen], str] = {
    (Seen.WANTED, Seen.MARKED): "nobody wants it",
    (Seen.MARKED, Seen.WANTED): "somebody does after all",
    (Seen.MARKED, Seen.ENDED): f"{_MINUTES} min later at the earliest, looked at again, still nobody does",
}


def mermaid() -> str:
    """The diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Seen.WANTED}"]
    lines += [f"    {source} --> {target}: {why}" for (source, target), why in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {Seen.ENDED} --> [*]: the inventory tells it no more"]) + "\n"
