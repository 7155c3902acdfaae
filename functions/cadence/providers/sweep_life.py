"""The states of a machine for the sweeper; the second diagram in docs/runners.md is generated from them."""

from collections.abc import Mapping
from enum import StrEnum

from cadence.providers.sweeping import LOOK_AGAIN


class Seen(StrEnum):
    WANTED = "wanted"
    MARKED = "marked"
    ENDED = "ended"


_MINUTES = round(LOOK_AGAIN.total_seconds() / 60)

TRANSITIONS: Mapping[tuple[Seen, Seen], str] = {
    (Seen.WANTED, Seen.MARKED): "it is unwanted",
    (Seen.MARKED, Seen.WANTED): "it is wanted after all",
    (Seen.MARKED, Seen.ENDED): f"{_MINUTES} min later at the earliest, checked again, still unwanted",
}


def mermaid() -> str:
    """The diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Seen.WANTED}"]
    lines += [f"    {source} --> {target}: {why}" for (source, target), why in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {Seen.ENDED} --> [*]: the inventory no longer lists it"]) + "\n"
