"""Commands about logs and values."""

import json
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import told
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import out, print_line

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


def _print_compact(line: object) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)
