"""What `cadence show RUN` prints: the cause of a failure first."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError
from cadence.cli.insight.diagnosis import show_diagnosis, show_last_lines
from cadence.cli.insight.new_failures import show_new_failures
from cadence.cli.insight.summaries import show_summaries
from cadence.cli.insight.treatment_page import BROKEN
from cadence.cli.runs.follow_run import treatment_table
from cadence.cli.runs.run_origin import run_commit, run_origin
from cadence.cli.shared.output import (
    date_time,
    duration,
    out,
    pairs_lines,
    pairs_text,
    run_state,
    state_text,
    treatment_state,
    without_empty,
)

_LAST_LINES = 10
_MOST_TREATMENTS = 40
_MOST_STARTED = 40
_EVENT_FACTS = ("kind", "type", "number", "tag", "repository", "sender")


def show_run(client: Client, run_id: str) -> None:
    """Prints a run, its failures, its treatments and the runs that it started."""
    run = client.run(run_id)
    out.print(Text.assemble((f"run {run['run_id']}", "bold"), "  ", run_state(run)))
    if run["cause"]:
        out.print(Text.assemble("cause      ", (run["cause"], "bold")))
    if run["waiting_for"]:
        out.print(Text.assemble("waits for  ", (run["waiting_for"], "bold")))
    version = f" version {run['pipeline_version']}" if run["pipeline_version"] else ""
    _facts(
        pipeline=f"{run['project']}/{run['pipeline']}{version}",
        created=f"{date_time(run['created_at'])} by {run.get('created_by_name') or run['created_by']}",
        duration=duration(run["started_at"], run["finished_at"]),
        origin=run_origin(run),
        commit=run_commit(run),
        parameters=pairs_lines(run["parameters"], most=5),
        event=_event_lines(run["event"]),
    )
    broken = _causes([treatment for treatment in run["treatments"] if treatment["state"] in BROKEN])
    broken = [one for one in broken if one["cause"] != run["cause"]]  # printed already: it ended the whole run
    broken = sorted(broken, key=lambda treatment: bool(treatment.get("soft_failed")))
    for treatment in broken[:3]:
        _show_failure(client, run_id, treatment)
    if len(broken) > 3:
        out.print(f"\n{len(broken) - 3} more treatments failed; see below.", markup=False)
    out.print()
    shown = _worth_showing(run["treatments"])
    out.print(treatment_table({**run, "treatments": shown}, run["run_id"]))
    if len(shown) < len(run["treatments"]):
        out.print(f"… {len(run['treatments']) - len(shown)} more treatments succeeded", style="dim")
    show_summaries(client, run_id)
    _show_started([one for one in client.following_runs(run_id) if one["how"] == "started"])


def _event_lines(event: Mapping[str, Any]) -> list[str]:
    """What happened and where, in one line; the cause of a failure is to stand near the top."""
    known = without_empty(event)
    told = {name: known[name] for name in _EVENT_FACTS if name in known}
    more = f"    {len(known) - len(told)} more: --json" if len(known) > len(told) else ""
    return [pairs_text(told, most=5) + more] if told else pairs_lines(known, most=5)


def _show_started(runs: Sequence[Mapping[str, Any]]) -> None:
    if not runs:
        return
    out.print("\nstarted runs")
    for run in runs[:_MOST_STARTED]:
        by = f"  by {run['treatment']}" if run["treatment"] else ""
        took = duration(run["created_at"], run["finished_at"])
        out.print(Text.assemble(f"  {run['run_id']}  {run['pipeline']}  ", state_text(run["state"]), f"  {took}{by}"))
    if len(runs) > _MOST_STARTED:
        out.print(f"… {len(runs) - _MOST_STARTED} more runs", style="dim")


def _causes(broken: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The failed treatments without groups that failed because of an instance."""
    groups = {one["name"].partition(":")[0] for one in broken if ":" in one["name"]}
    return [one for one in broken if one["name"] not in groups]


def _worth_showing(treatments: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """At most 40 treatments: all that have not succeeded, and the first of the others."""
    others = [one for one in treatments if one["state"] != "succeeded"]
    room = max(0, _MOST_TREATMENTS - len(others))
    well = [one for one in treatments if one["state"] == "succeeded"][:room]
    kept = {one["name"] for one in (*others, *well)}
    return [one for one in treatments if one["name"] in kept]


def _show_failure(client: Client, run_id: str, treatment: Mapping[str, Any]) -> None:
    out.print()
    code = f", exit code {treatment['exit_code']}" if treatment["exit_code"] is not None else ""
    out.print(
        Text.assemble((treatment["name"], "bold"), " ", treatment_state(treatment), f"{code}: {treatment['cause']}")
    )
    _show_diagnosis(client, run_id, treatment)
    show_new_failures(client, run_id, treatment["name"])


def _show_diagnosis(client: Client, run_id: str, treatment: Mapping[str, Any]) -> None:
    try:
        diagnosis = client.diagnosis(run_id, treatment["name"], _LAST_LINES)
    except ApiError as error:
        if error.status != 403:
            raise
        return  # the token may not read logs: the cause is printed all the same
    shown = {line["cursor"] for line in diagnosis["last_lines"]}
    errors = [line for line in diagnosis["errors"] if line["cursor"] not in shown]
    show_diagnosis(run_id, treatment["name"], {**diagnosis, "cause": None, "errors": errors})
    show_last_lines(run_id, treatment["name"], diagnosis, heading=False)


def _facts(**facts: Any) -> None:
    for name, value in facts.items():
        lines = value if isinstance(value, list) else [] if value in (None, "", "-") else [value]
        for number, line in enumerate(lines):
            label = "" if number else name
            out.print(Text.assemble((f"{label:<11}", "dim"), str(line)))
