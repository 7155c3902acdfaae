"""The share of a suite that an assignment runs."""

from __future__ import annotations

from typing import Any, NamedTuple


class AssignedSplit(NamedTuple):
    """The share of a suite: ``number`` (from 0) of all ``shares`` of the files that the glob ``files`` matches.

    ``durations`` are seconds by file, class or module.
    """

    files: str
    number: int
    shares: int
    durations: dict[str, float]


def assigned_split(split: dict[str, Any]) -> AssignedSplit:
    """Returns the share of a gateway's answer."""
    durations = {str(place): float(seconds) for place, seconds in split["durations"].items()}
    return AssignedSplit(split["files"], int(split["index"]), int(split["count"]), durations)
