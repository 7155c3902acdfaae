"""The instances of a group side by side, and what the failed ones have in common."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import out, print_section_table, size, treatment_state
from cadence.cli.shared.preview import plain

_BROKEN = frozenset({"failed", "lost", "timed_out"})
_MOST = 60
_LONGEST_CAUSE = 70


def show_instances(instances: Sequence[Mapping[str, Any]]) -> None:
    """Prints a table of instances, failed ones first."""
    for sentence in common_values(instances):
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
            treatment_state(one),
            one["exit_code"],
            _seconds(one["times"]["ran"]),
            _seconds(one["usage"].get("cpu_ms", 0) / 1000 if one["usage"] else None),
            size(int(one["usage"]["memory_peak"])) if one["usage"].get("memory_peak") else None,
            kinds.get(one["name"], ""),
            plain(one["cause"] or "")[:_LONGEST_CAUSE],
        )
        for one in ordered[:_MOST]
    )
    print_section_table(columns, rows)
    if len(ordered) > _MOST:
        out.print(Text(f"… {len(ordered) - _MOST} more", "dim"))


def common_values(instances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about the values of the matrix with which all instances failed while none failed with another value."""
    broken = [one for one in instances if one["state"] in _BROKEN]
    if not broken:
        return []
    sentences = [f"{len(broken)} of {len(instances)} failed."]
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in instances:
        for axis, value in one["matrix"].items():
            counts[axis, _axis(value)][one["state"] in _BROKEN] += 1
    for (axis, value), (succeeded, failed) in counts.items():
        others = sum(failures for (name, other), (_, failures) in counts.items() if name == axis and other != value)
        if failed and not succeeded and not others and len(broken) < len(instances):
            sentences.append(f"All failed instances have {axis} = {value}, and all instances with it failed.")
    return sentences


def _kinds(instances: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A letter for the outputs of each instance: the same letter for the same content."""
    letters: dict[tuple[tuple[str, str], ...], str] = {}
    letter_of = {}
    for one in instances:
        if one["outputs"] and None not in one["outputs"].values():
            sent = tuple(sorted(one["outputs"].items()))
            letters.setdefault(sent, _letter(len(letters)))
            letter_of[one["name"]] = letters[sent]
    return letter_of


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"


def _axis(value: Any) -> str:
    return plain(value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value))


def _seconds(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:.1f} s"
