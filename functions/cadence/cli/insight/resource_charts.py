"""The resources that a treatment used, as figures and small charts."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import out, parsed_time, size

_BARS = "▁▂▃▄▅▆▇█"
_CHART = 30
_NAME = 9


def show_resources(treatment: Mapping[str, Any], resources: Mapping[str, Any] | None) -> None:
    """Prints CPU, memory, disk and network; nothing if nothing was measured."""
    usage = treatment["usage"]
    samples = resources["samples"] if resources else []
    limits: Mapping[str, Any] = resources["limits"] if resources else {}
    if not usage and not samples:
        return
    for name, figures, chart in (
        ("cpu", _cpu(usage, treatment["times"]["ran"], limits), _rates(samples, "cpu_ms")),
        ("memory", _memory(usage, limits), [sample["memory"] for sample in samples]),
        ("disk", _disk(usage, samples, limits), _rates(samples, "write_bytes")),
        ("network", _network(usage, samples), _rates(samples, "rx_bytes")),
    ):
        if figures:
            out.print(Text.assemble((f"    {name:<{_NAME}}", "dim"), figures, "  ", (bars(chart), "cyan")))


def bars(amounts: Sequence[float]) -> str:
    """A chart of one line; empty for fewer than three amounts, or if all are zero."""
    most = max(amounts, default=0)
    if len(amounts) < 3 or most <= 0:
        return ""
    step = max(1, -(-len(amounts) // _CHART))
    tops = [max(amounts[start : start + step]) for start in range(0, len(amounts), step)]
    return "".join(_BARS[min(len(_BARS) - 1, int(top / most * len(_BARS)))] for top in tops)


def _cpu(usage: Mapping[str, float], ran: float | None, limits: Mapping[str, Any]) -> str:
    used = usage.get("cpu_ms")
    if used is None:
        return ""
    share = f" in {ran:.1f} s" if ran else ""
    allowed, available = limits.get("cpu"), limits.get("machine_cpu")
    limit = (
        f", of {allowed / 1000:g} allowed"
        if allowed
        else (f", of {available / 1000:g} in the machine" if available else "")
    )
    cores = f" ({used / 1000 / ran:.2f} cores{limit})" if ran else ""
    return f"{used / 1000:.2f} s{share}{cores}"


def _memory(usage: Mapping[str, float], limits: Mapping[str, Any]) -> str:
    peak = usage.get("memory_peak", usage.get("memory"))
    if not peak:
        return ""
    allowed, available = limits.get("memory"), limits.get("machine_memory")
    if allowed:
        measured = "" if limits.get("enforced") else ", measured but not enforced"
        return f"at most {size(int(peak))} of {size(allowed)} ({peak / allowed:.0%}{measured})"
    return f"at most {size(int(peak))}" + (f" of {size(available)} in the machine, no limit" if available else "")


def _disk(usage: Mapping[str, float], samples: Sequence[Mapping[str, Any]], limits: Mapping[str, Any]) -> str:
    transferred = f"read {size(int(usage.get('read_bytes', 0)))}, wrote {size(int(usage.get('write_bytes', 0)))}"
    space = usage.get("disk_peak") or max((sample["disk_bytes"] or 0 for sample in samples), default=0)
    allowed = limits.get("disk")
    return transferred + (
        f", occupied {size(int(space))}" + (f" of {size(allowed)}" if allowed else "") if space else ""
    )


def _network(usage: Mapping[str, float], samples: Sequence[Mapping[str, Any]]) -> str:
    if "rx_bytes" not in usage:
        return ""
    shared = " (the whole machine)" if any(sample["shared_network"] for sample in samples) else ""
    return f"received {size(int(usage['rx_bytes']))}, sent {size(int(usage.get('tx_bytes', 0)))}{shared}"


def _rates(samples: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """The rates per second between consecutive samples."""
    rates = []
    for before, after in pairwise(samples):
        seconds = (parsed_time(after["at"]) - parsed_time(before["at"])).total_seconds()
        more = (after[name] or 0) - (before[name] or 0)
        rates.append(max(0.0, more) / seconds if seconds > 0 else 0.0)
    return rates
