"""What stands in the place of values that a Mélodium engine counted and did not report."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.melodium.element import unreported_words


def unreported(port: Mapping[str, Any], treatment: Mapping[str, Any]) -> str:
    """The words for a port without a value; empty if its engine reports all values there."""
    element = treatment["spec"]["element"]
    if element is None or port["type"] == "void":
        return ""
    counts = element["unreported_inputs" if any(port is one for one in treatment["inputs"]) else "unreported"]
    count = counts.get(port["port"], 0)
    return unreported_words(count) if count else ""
