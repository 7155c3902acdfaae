"""What `show` prints: the cause of a failure first, then everything else."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.client import Client
from cadence.cli.output import date_time, duration, make_table, out, print_line, size, state_text
from cadence.cli.watching import progress

_LAST_LINES = 15
_BROKEN = frozenset({"failed", "lost", "timed_out"})
_SHOWN_PREVIEW = 200


def show_run(client: Client, run_id: str) -> None:
    run = client.run(run_id)
    out.print(Text.assemble((f"run {run_id}", "bold"), "  ", state_text(run["state"])))
    if run["cause"]:
        out.print(Text.assemble("cause      ", (run["cause"], "bold")))
    if run["waiting_for"]:
        out.print(Text.assemble("waits for  ", (run["waiting_for"], "bold")))
    version = f" version {run['pipeline_version']}" if run["pipeline_version"] else ""
    _facts(
        pipeline=f"{run['project']}/{run['pipeline']}{version}",
        created=f"{date_time(run['created_at'])} by {run['created_by']}",
        duration=duration(run["started_at"], run["finished_at"]),
        replay_of=_original(run["replay_of"]),
        parameters=_pairs(run["parameters"]),
        event=_pairs(run["event"]),
    )
    broken = [treatment for treatment in run["treatments"] if treatment["state"] in _BROKEN]
    for treatment in broken[:3]:
        _show_failure(client, run_id, treatment)
    if len(broken) > 3:
        out.print(f"\n{len(broken) - 3} more failed, see below.", markup=False)
    out.print()
    out.print(progress(run))


def show_treatment(client: Client, run_id: str, name: str) -> None:
    treatment = client.treatment(run_id, name)
    spec = treatment["spec"]
    out.print(Text.assemble((f"treatment {name}", "bold"), "  ", state_text(treatment["state"])))
    if treatment["cause"]:
        out.print(Text.assemble("cause      ", (treatment["cause"], "bold")))
    if treatment["waiting_for"]:
        out.print(Text.assemble("waits for  ", (treatment["waiting_for"], "bold")))
    if treatment["approval"]:
        _show_approval(treatment["approval"])
    if treatment["state"] in _BROKEN:
        _show_last_lines(client, run_id, name)
    _facts(
        exit_code=treatment["exit_code"],
        attempt=treatment["attempt"],
        ready=date_time(treatment["ready_at"]),
        waited=duration(treatment["ready_at"], treatment["started_at"]) if treatment["started_at"] else None,
        started=date_time(treatment["started_at"]),
        duration=duration(treatment["started_at"], treatment["finished_at"]),
        pool=treatment["pool"],
        usage=_usage(treatment["usage"]),
        image=spec["image"],
        environment=_pairs(spec["env"]),
        secrets=_pairs(spec["secrets"]),
    )
    out.print("run", style="bold")
    out.print(Text("\n".join(f"    {line}" for line in spec["run"].rstrip().splitlines())))
    for kind in ("inputs", "outputs"):
        if treatment[kind]:
            out.print(f"\n{kind}", style="bold")
            _table(("PORT", "TYPE", "FROM", "SIZE", "SHA-256", "BEGINS"), map(_port, treatment[kind]))
    if treatment["runners"]:
        out.print("\nrunners", style="bold")
        _table(("ATTEMPT", "STATE", "POOL", "HOST", "RUNNER"), map(_runner, treatment["runners"]))


def _show_failure(client: Client, run_id: str, treatment: Mapping[str, Any]) -> None:
    out.print()
    code = f", exit code {treatment['exit_code']}" if treatment["exit_code"] is not None else ""
    out.print(
        Text.assemble((treatment["name"], "bold"), " ", state_text(treatment["state"]), f"{code}: {treatment['cause']}")
    )
    _show_last_lines(client, run_id, treatment["name"])


def _show_approval(approval: Mapping[str, Any]) -> None:
    for made in approval["decisions"]:
        word = "approved" if made["decision"] == "approve" else "refused"
        comment = f": {made['comment']}" if made["comment"] else ""
        out.print(Text(f"{word:<11}by {made['by']}, {date_time(made['at'])}{comment}"))


def _show_last_lines(client: Client, run_id: str, treatment: str) -> None:
    last = deque(client.all_logs(run_id, treatment=treatment), maxlen=_LAST_LINES)
    for line in last:
        print_line(line)
    if not last:
        out.print("    (it wrote no lines)", style="dim")


def _original(of: Mapping[str, str] | None) -> str | None:
    return f"{of['treatment']} of run {of['run_id']}" if of else None


def _facts(**facts: Any) -> None:
    for name, value in facts.items():
        if value not in (None, "", "-"):
            out.print(Text.assemble((f"{name.replace('_', ' '):<11}", "dim"), str(value)))


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """With its heading everywhere: it is a part of what is shown, and no listing for programs."""
    out.print(make_table(columns, rows))


def _usage(usage: Mapping[str, float]) -> str:
    """What a runner measured: amounts of bytes and times in words, anything else as it is."""
    said = []
    for name, amount in usage.items():
        words = name.replace("_", " ")
        if name.endswith("_ms"):
            said.append(f"{words.removesuffix(' ms')} {amount / 1000:.2f} s")
        elif name in {"memory_peak", "read_bytes", "write_bytes"}:
            said.append(f"{words.removesuffix(' bytes')} {size(int(amount))}")
        else:
            said.append(f"{words} {amount:g}")
    return ", ".join(said)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))


def _port(port: Mapping[str, Any]) -> tuple[Any, ...]:
    value = port["value"]
    flow = f"{port['flow'].capitalize()}<{port['type']}>"
    if value is None:
        return (port["port"], flow, port["source"] or "", "", "", "")
    preview = value["preview"] if value["preview"] is not None else "(not text)"
    begin = preview[:_SHOWN_PREVIEW].splitlines()[0] if preview.strip() else ""
    return (port["port"], flow, port["source"] or "", size(value["size"]), value["sha256"][:16], begin[:60])


def _runner(runner: Mapping[str, Any]) -> tuple[Any, ...]:
    return (runner["attempt"], state_text(runner["state"]), runner["pool"], runner["host_id"], runner["runner_id"])
