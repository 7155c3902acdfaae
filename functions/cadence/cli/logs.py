"""Commands about logs and values."""

import json
from typing import Annotated

import typer

from cadence.cli.connection import connect
from cadence.cli.failures import told
from cadence.cli.options import Json, Run
from cadence.cli.output import out, print_json, print_line

Treatment = Annotated[
    str | None, typer.Option("--treatment", "-t", help="Only lines of this treatment.", show_default=False)
]


def logs(
    run_id: Run,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    grep: Annotated[str | None, typer.Option(metavar="RE", help="Only lines that match.", show_default=False)] = None,
    treatment: Treatment = None,
    as_json: Json = False,
) -> None:
    """Print the log lines of a run. With --json, one object a line."""
    with told(as_json):
        client = connect()
        width = max((len(one["name"]) for one in client.run(run_id)["treatments"]), default=0)
        try:
            for line in client.all_logs(run_id, follow, treatment=treatment, grep=grep):
                _print_compact(line) if as_json else print_line(line, out, width)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Text to look for, as it stands.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many lines.")] = 100,
    as_json: Json = False,
) -> None:
    """Search the log lines of the newest runs.

    The newest line comes first.
    """
    with told(as_json):
        found = connect().search_logs(query, limit)
    if as_json:
        print_json(found)
        return
    for line in found["lines"]:
        out.print(f"{line['run']} ", style="dim", end="")
        print_line(line)
    if not found["complete"]:
        out.print("There may be more: ask for something rarer.", style="dim")


def _print_compact(line: object) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)
