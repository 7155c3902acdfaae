"""The command `trace`: where a value came from, where it went, and which runs used it."""

import re
from enum import StrEnum
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.provenance.trace_tree import show_graph
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import date_time, out, print_json, print_table, size, state_text

_LINE = re.compile(r"([0-9a-z]+):(\d+:\d+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TraceFormat(StrEnum):
    TREE = "tree"
    GRAPH = "graph"
    PROV = "prov"
    OPENLINEAGE = "openlineage"


def trace(
    run_id: Annotated[str | None, typer.Argument(metavar="RUN", help="The id of a run.", show_default=False)] = None,
    port: Annotated[
        str | None,
        typer.Argument(
            metavar="TREATMENT.PORT[@OFFSET]",
            help="An output, or the line at a byte offset of it (default: the run itself).",
            show_default=False,
        ),
    ] = None,
    forward: Annotated[
        bool, typer.Option("--forward", help="Follow where it went instead of where it came from.")
    ] = False,
    treatment: Annotated[
        str | None, typer.Option("--treatment", "-t", help="Trace this treatment of the run.", show_default=False)
    ] = None,
    line: Annotated[
        str | None,
        typer.Option(
            metavar="RUN:SEGMENT:INDEX",
            help="Trace a log line, by its position in the log of a run.",
            show_default=False,
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="List the runs of the project that used this value.", show_default=False),
    ] = None,
    form: Annotated[
        TraceFormat,
        typer.Option("--format", help="A tree, or JSON: Cadence's graph, W3C PROV-JSON, OpenLineage events."),
    ] = TraceFormat.TREE,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most steps to follow, approximately.")] = 200,
    cursor: Annotated[str | None, typer.Option(help="Continue a trace that was cut off.", show_default=False)] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show where a value, a log line or a treatment came from.

    The trace goes back from treatment to treatment, across runs: to the treatment that sent the value, to the inputs of
    that
    treatment, and so on; --forward goes the other way. A line in a stream is followed as far as its path can be proven.
    """
    if value is not None:
        _show_uses(value, limit, cursor, project, as_json=as_json)
        return
    run, subject = _subject(run_id, port, treatment, line)
    query: dict[str, Any] = {"direction": "forward" if forward else "backward", "limit": limit, "cursor": cursor}
    with reporting_errors(as_json):
        client = connect(project)
        if as_json and form is TraceFormat.TREE and "port" in subject and not forward:
            print_json(client.trace(run, subject["port"], subject.get("offset")))
            return
        graph = _read(client, run, form, {**query, **subject})
    print_json(graph) if as_json or form is not TraceFormat.TREE else show_graph(graph)


def _read(client: Client, run: str, form: TraceFormat, query: dict[str, Any]) -> Any:
    if form is TraceFormat.PROV:
        return client.provenance(run, "prov", **query)
    if form is TraceFormat.OPENLINEAGE:
        return client.provenance(run, "openlineage", **query)["events"]
    return client.provenance(run, **query)


def _subject(
    run_id: str | None, port: str | None, treatment: str | None, line: str | None
) -> tuple[str, dict[str, Any]]:
    """The run, and the query for what is traced in it. Ends the command if the arguments contradict each other."""
    if line is not None:
        found = _LINE.fullmatch(line)
        if not found or run_id or port or treatment:
            raise fail(f"--line takes RUN:SEGMENT:INDEX and no other argument, not {line!r}.", WRONG_USE)
        return found[1], {"line": found[2]}
    if run_id is None:
        raise fail("Give a RUN, --line or --value.", WRONG_USE)
    if treatment is not None:
        if port is not None:
            raise fail("Give either TREATMENT.PORT or --treatment, not both.", WRONG_USE)
        return run_id, {"treatment": treatment}
    if port is None:
        return run_id, {}
    name, at, offset = port.partition("@")
    if "." not in name or (at and not offset.isdecimal()):
        raise fail(f"The output is TREATMENT.PORT, or TREATMENT.PORT@OFFSET with a number, not {port!r}.", WRONG_USE)
    return run_id, {"port": name, **({"offset": int(offset)} if at else {})}


def _show_uses(sha256: str, limit: int, cursor: str | None, project: str | None, *, as_json: bool) -> None:
    if not _SHA256.fullmatch(sha256):
        raise fail(f"--value takes all 64 hexadecimal digits of a SHA-256, not {sha256!r}.", WRONG_USE)
    with reporting_errors(as_json):
        page = connect(project).uses(sha256, limit, cursor)
    if as_json:
        print_json(page)
        return
    print_table(
        ("RUN", "PIPELINE", "STATE", "CREATED", "SENT BY", "SIZE", "SENT TO", "REUSED FROM"),
        (
            (
                use["run_id"],
                use["pipeline"],
                state_text(use["run_state"]),
                date_time(use["created_at"]),
                f"{use['treatment']}.{use['port']}",
                size(use["size"]),
                ", ".join(use["consumers"]) + (", …" if use["more_consumers"] else "") or "-",
                use["kept_from"],
            )
            for use in page["items"]
        ),
    )
    if page["next"]:
        out.print(f"More runs: --cursor {page['next']}", style="dim", markup=False)
