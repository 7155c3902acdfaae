"""What `replay` prints: the verdict first, then what it goes by."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import duration, out, print_table, size

_STYLES = {"deterministic": "bold green", "equivalent": "green", "differs": "bold red", "inconclusive": "yellow"}
_WORDS = {
    "deterministic": "deterministic: it ended the same and sent the same, byte by byte",
    "equivalent": "equivalent: it sent the same values, written differently",
    "differs": "differs",
    "inconclusive": "inconclusive",
    "pending": "pending: the replay goes on",
}
_NOTHING_SENT = "deterministic: it ended the same; it sent nothing that could be compared"
_KINDS = {
    "random": "random numbers",
    "network": "the network",
    "order": "the order in which things happen",
    "place": "where it runs",
}
_SURE = {"likely": "likely", "possible": "possibly"}
_USAGE = {"cpu_ms": "CPU ms", "memory_peak": "memory peak", "read_bytes": "read", "write_bytes": "written"}
_BYTES = frozenset({"memory_peak", "read_bytes", "write_bytes"})


def show_comparison(found: Mapping[str, Any]) -> None:
    verdict = found["verdict"]
    words = _WORDS[verdict]
    if verdict == "deterministic" and not any(output["then"] for output in found["outputs"]):
        words = _NOTHING_SENT
    out.print(Text(words, _STYLES.get(verdict, "")), end="" if found["first"] else "\n")
    if found["first"]:
        out.print(
            f": {found['first']}" if verdict in ("differs", "inconclusive") else f" ({found['first']})", markup=False
        )
    for output in found["outputs"]:
        place = output["first_difference"]
        if place:
            out.print(Text.assemble(("  then  ", "dim"), place["then"]))
            out.print(Text.assemble(("  now   ", "dim"), place["now"]))
            break
    for guess in found["depends_on"]:
        on = _KINDS.get(guess["kind"], guess["kind"])
        head = f"{_SURE[guess['confidence']]} depends on {on}: " if on != "unknown" else "unexplained: "
        out.print(Text.assemble((head, "bold"), guess["evidence"]))
    out.print()
    then, now = found["original"], found["replay"]
    rows: list[tuple[Any, ...]] = [
        ("state", then["state"], now["state"]),
        ("exit code", then["exit_code"], now["exit_code"]),
        ("duration", *(duration(one["started_at"], one["finished_at"]) for one in (then, now))),
        ("where", *(one["host"] or one["pool"] for one in (then, now))),
    ]
    if then["image_digest"] or now["image_digest"]:
        rows.append(("image", *((one["image_digest"] or "-")[:19] for one in (then, now))))
    for name, words in _USAGE.items():
        if name in then["usage"] or name in now["usage"]:
            rows.append((words, *(_amount(name, one["usage"].get(name)) for one in (then, now))))
    rows += [(f"output {each['port']}", _sent(each["then"]), _sent(each["now"])) for each in found["outputs"]]
    print_table(("", "THEN", "NOW"), rows)


def _amount(name: str, amount: float | None) -> str:
    if amount is None:
        return "-"
    return size(int(amount)) if name in _BYTES else f"{amount:g}"


def _sent(value: Mapping[str, Any] | None) -> str:
    return f"{size(value['size'])} {value['sha256'][:16]}" if value else "-"
