"""The command `runs`, in a module of its own: it is called most often, and imports least."""

import os
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.client.short_ids import unique_endings
from cadence.cli.shared.completion import complete_pipeline, complete_project
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, duration, marked_end, print_list, run_state
from cadence.cli.shared.pager import paged

STATES = ("pending", "running", "cancelling", "succeeded", "failed", "cancelled", "timed_out")
"""The states of a run. Repeated here so that the command starts without importing the domain."""


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

    On a terminal, the end of each id that is enough to name the run among these stands out.
    """
    if state is not None and state not in STATES:
        raise fail(f"No run is in a state {state!r}: the states are {', '.join(STATES)}.", WRONG_USE)
    chosen = project or os.environ.get("CADENCE_PROJECT") or None
    filters = {
        "project": None if chosen == "*" else chosen,
        "state": state,
        "pipeline": pipeline,
        "branch": branch,
        "commit": commit,
        "by": by,
    }
    with reporting_errors(as_json):
        found = list(connect().runs(limit, **filters))
    ends = unique_endings(one["run_id"] for one in found)
    with paged(not as_json):
        print_list(
            found,
            ("RUN", "PIPELINE", "STATE", "CREATED", "TIME"),
            lambda one: (
                marked_end(one["run_id"], ends[one["run_id"]]),
                one["pipeline"],
                run_state(one),
                date_time(one["created_at"]),
                duration(one["started_at"], one["finished_at"]),
            ),
            as_json,
        )
