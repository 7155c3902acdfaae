"""The command `runs`, in a module of its own: it is called most often, and imports least."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.client.short_ids import unique_endings
from cadence.cli.runs.run_origin import run_commit, run_origin
from cadence.cli.shared.arguments import time_of
from cadence.cli.shared.completion import complete_pipeline, complete_project
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import (
    date_time,
    duration,
    err,
    marked_end,
    out,
    print_json,
    print_table,
    run_state,
    state_text,
)
from cadence.cli.shared.pager import paged

_COMMIT = re.compile("[0-9a-fA-F]{4,64}")
STATES = ("pending", "running", "cancelling", "succeeded", "failed", "cancelled", "timed_out")
"""The states of a run. Repeated here so that the command starts without importing the domain."""
_WIDE = 110
"""Columns of a terminal that has room for branches and commits."""


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most runs to list.")] = 20,
    state: Annotated[str | None, typer.Option(help="Only runs in this state.", show_default=False)] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="Only runs of this pipeline.", show_default=False, autocompletion=complete_pipeline),
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Only runs for this branch.", show_default=False)] = None,
    commit: Annotated[
        str | None, typer.Option(help="Only runs for this commit, or one that begins so.", show_default=False)
    ] = None,
    by: Annotated[str | None, typer.Option(help="Only runs that this user started.", show_default=False)] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only runs from this time on: 2026-01-31T12:00Z, or an age such as 2h.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only runs from before this time, or this age.", show_default=False),
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Count the runs by their states instead.")] = False,
    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            "-p",
            help="Only runs of this project (default: CADENCE_PROJECT if it is set); * for all.",
            show_default=False,
            autocompletion=complete_project,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List runs, newest first.

    On a terminal, the end of each id that is enough to name the run among these stands out, and branch and commit are
    shown from 110 columns on. Elsewhere, lines end with branch and commit and with the run that one is a part of,
    replays, or was started by. --count reads the newest 1,000 runs in the time asked for.
    """
    if count and state is not None:
        raise fail("--count counts runs of all states: leave out --state.", WRONG_USE)
    if state is not None and state not in STATES:
        raise fail(f"No run is in a state {state!r}: the states are {', '.join(STATES)}.", WRONG_USE)
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise fail(f"--commit takes a commit or how it begins, 4 to 64 hexadecimal digits, not {commit!r}.", WRONG_USE)
    chosen = project or os.environ.get("CADENCE_PROJECT") or None
    filters = {
        "project": None if chosen == "*" else chosen,
        "state": state,
        "pipeline": pipeline,
        "branch": branch,
        "commit": commit,
        "by": by,
        "since": time_of("--since", since) if since else None,
        "until": time_of("--until", until) if until else None,
    }
    if count:
        _count(filters, as_json)
        return
    with reporting_errors(as_json):
        found = list(connect().runs(limit, **filters))
    if as_json:
        print_json(found)
        return
    if not found:
        err.print("No runs.")
        return
    with paged(True):
        _print_runs(found)


def _count(filters: Mapping[str, str | None], as_json: bool) -> None:
    with reporting_errors(as_json):
        found = connect().count_runs(**{name: value for name, value in filters.items() if name != "state"})
    if as_json:
        print_json(found)
        return
    rows = [[state_text(one["state"]), one["runs"]] for one in found["counts"]]
    print_table(["STATE", "RUNS"], [*rows, ["all", sum(one["runs"] for one in found["counts"])]])
    if not found["complete"]:
        err.print(f"Runs before {date_time(found['reached'])} are not counted: name a time with --until.")


def _print_runs(found: Sequence[Mapping[str, Any]]) -> None:
    ends = unique_endings(one["run_id"] for one in found)
    columns = ["RUN", "PIPELINE", "STATE", "CREATED", "TIME"]
    rows: list[list[Any]] = [
        [
            marked_end(one["run_id"], ends[one["run_id"]]),
            one["pipeline"],
            run_state(one),
            date_time(one["created_at"]),
            duration(one["started_at"], one["finished_at"]),
        ]
        for one in found
    ]
    if not out.is_terminal:
        print_table(columns, [[*row, run_commit(one), run_origin(one)] for row, one in zip(rows, found, strict=True)])
        return
    added = {
        "COMMIT": [run_commit(one) or "" for one in found] if out.width >= _WIDE else [],
        "ORIGIN": [run_origin(one, ends) or "" for one in found],
    }
    for column, cells in added.items():
        if any(cells):
            columns.append(column)
            rows = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
    print_table(columns, rows)
