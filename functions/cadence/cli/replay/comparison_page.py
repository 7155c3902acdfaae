"""What `replay` prints: the verdict first, then the evidence."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import duration, out, print_section_table, size

_STYLES = {"deterministic": "bold green", "equivalent": "green", "differs": "bold red", "inconclusive": "yellow"}
_VERDICTS = {
    "deterministic": "deterministic: the same end and the same outputs, byte by byte",
    "equivalent": "equivalent: the same values in another encoding",
    "differs": "differs",
    "inconclusive": "inconclusive",
    "pending": "pending: the replay is still running",
}
_NOTHING_SENT = "deterministic: the same end; no output can be compared"
_KINDS = {
    "random": "random numbers",
    "network": "the network",
    "order": "the order of events",
    "place": "the machine",
}
_SURE = {"likely": "likely", "possible": "possibly"}
_USAGE = {"cpu_ms": "CPU ms", "memory_peak": "memory peak", "read_bytes": "read", "write_bytes": "written"}
_BYTES = frozenset({"memory_peak", "read_bytes", "write_bytes"})


def show_comparison(comparison: Mapping[str, Any]) -> None:
    """Prints a comparison as the API returns it."""
    verdict = comparison["verdict"]
    text = _VERDICTS[verdict]
    if verdict == "deterministic" and not any(output["then"] for output in comparison["outputs"]):
        text = _NOTHING_SENT
    out.print(Text(text, _STYLES.get(verdict, "")), end="" if comparison["first"] else "\n")
    if comparison["first"]:
        out.print(
            f": {comparison['first']}" if verdict in ("differs", "inconclusive") else f" ({comparison['first']})",
            markup=False,
        )
    for output in comparison["outputs"]:
        place = output["first_difference"]
        if place:
            out.print(Text.assemble(("  original  ", "dim"), place["then"]))
            out.print(Text.assemble(("  replay    ", "dim"), place["now"]))
            break
    for guess in comparison["depends_on"]:
        on = _KINDS.get(guess["kind"], guess["kind"])
        head = f"{_SURE[guess['confidence']]} depends on {on}: " if on != "unknown" else "unexplained: "
        out.print(Text.assemble((head, "bold"), guess["evidence"]))
    out.print()
    then, now = comparison["original"], comparison["replay"]
    rows: list[tuple[Any, ...]] = [
        ("state", then["state"], now["state"]),
        ("exit code", then["exit_code"], now["exit_code"]),
        ("duration", *(duration(one["started_at"], one["finished_at"]) for one in (then, now))),
        ("where", *(one["host"] or one["pool"] for one in (then, now))),
    ]
    if then["image_digest"] or now["image_digest"]:
        rows.append(("image", *((one["image_digest"] or "-")[:19] for one in (then, now))))
    for name, label in _USAGE.items():
        if name in then["usage"] or name in now["usage"]:
            rows.append((label, *(_amount(name, one["usage"].get(name)) for one in (then, now))))
    rows += [(f"output {each['port']}", _sent(each["then"]), _sent(each["now"])) for each in comparison["outputs"]]
    print_section_table(("", "ORIGINAL", "REPLAY"), rows)


def _amount(name: str, amount: float | None) -> str:
    if amount is None:
        return "-"
    return size(int(amount)) if name in _BYTES else f"{amount:g}"


def _sent(value: Mapping[str, Any] | None) -> str:
    return f"{size(value['size'])} {value['sha256'][:16]}" if value else "-"
