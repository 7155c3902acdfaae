"""Commands about logs and values."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.connection import connect
from cadence.cli.failures import fail, told
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


value = typer.Typer(name="value", help="Values that went from one treatment to another.", no_args_is_help=True)


@value.command("download")
def download(
    run_id: Run,
    port: Annotated[str, typer.Argument(metavar="SHA256|TREATMENT.PORT", help="A value.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output by default.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a value in full."""
    with told(as_json):
        client = connect()
        sha256 = port
        if "." in port:
            found = client.trace(run_id, port)["origin"]["value"]
            if found is None:
                raise fail(f"{port} has sent nothing yet.")
            sha256 = found["sha256"]
        if as_json:
            print_json(client.value(run_id, sha256))
            return
        with output.open("wb") if output else sys.stdout.buffer as target:
            for piece in client.read_value(run_id, sha256):
                target.write(piece)


def _print_compact(line: object) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)
