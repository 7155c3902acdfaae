"""The instances of a group side by side, and what those that failed have in common."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import out, print_part, size, state_text
from cadence.cli.shared.preview import plain

_BROKEN = frozenset({"failed", "lost", "timed_out"})
_MOST = 60
_LONGEST_CAUSE = 70


def show_instances(instances: Sequence[Mapping[str, Any]]) -> None:
    """Those that failed come first, the others in their order."""
    for sentence in in_common(instances):
        out.print(Text(f"    {sentence}", "bold"))
    axes = list(dict.fromkeys(axis for one in instances for axis in one["matrix"]))
    elements = any(one["element"] for one in instances)
    ordered = sorted(instances, key=lambda one: one["state"] not in _BROKEN)
    columns = [
        *axes,
        *(["FOR"] if elements else []),
        "INSTANCE",
        "STATE",
        "CODE",
        "RAN",
        "CPU",
        "MEMORY",
        "SENT",
        "CAUSE",
    ]
    kinds = _kinds(instances)
    rows = (
        (
            *(_axis(one["matrix"].get(axis)) for axis in axes),
            *([plain(one["element"] or "").strip()[:40]] if elements else []),
            one["name"].partition(":")[2] or one["name"],
            state_text(one["state"]),
            one["exit_code"],
            _seconds(one["times"]["ran"]),
            _seconds(one["usage"].get("cpu_ms", 0) / 1000 if one["usage"] else None),
            size(int(one["usage"]["memory_peak"])) if one["usage"].get("memory_peak") else None,
            kinds.get(one["name"], ""),
            plain(one["cause"] or "")[:_LONGEST_CAUSE],
        )
        for one in ordered[:_MOST]
    )
    print_part(columns, rows)
    if len(ordered) > _MOST:
        out.print(Text(f"… {len(ordered) - _MOST} more", "dim"))


def in_common(instances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Values of the matrix with which all failed although with others none did, or some did not."""
    broken = [one for one in instances if one["state"] in _BROKEN]
    if not broken:
        return []
    said = [f"{len(broken)} of {len(instances)} failed."]
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in instances:
        for axis, value in one["matrix"].items():
            counts[axis, _axis(value)][one["state"] in _BROKEN] += 1
    for (axis, value), (well, failed) in counts.items():
        others = sum(bad for (name, other), (_, bad) in counts.items() if name == axis and other != value)
        if failed and not well and not others and len(broken) < len(instances):
            said.append(f"All of them have {axis} = {value}, and all with it failed.")
    return said


def _kinds(instances: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Letters for what instances sent: the same letter for the same content."""
    letters: dict[tuple[tuple[str, str], ...], str] = {}
    told = {}
    for one in instances:
        if one["outputs"] and None not in one["outputs"].values():
            sent = tuple(sorted(one["outputs"].items()))
            letters.setdefault(sent, _letter(len(letters)))
            told[one["name"]] = letters[sent]
    return told


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"


def _axis(value: Any) -> str:
    return plain(value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value))


def _seconds(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:.1f} s"
