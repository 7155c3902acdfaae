"""`cadence local`: the command line of the local stack."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.progress import say
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import DEFAULT_PORT, StackOptions

app = typer.Typer(name="local", help="The whole stack on this machine.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="The folder whose stack it is; its files are in .cadence below it.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command()
def up(
    folder: Folder = Path(),
    port: Annotated[
        int, typer.Option(help="Where to serve on 127.0.0.1; another port is taken if it is in use.")
    ] = DEFAULT_PORT,
    enforce_iam: Annotated[bool, typer.Option(help="Refuse what the roles do not allow, as AWS would.")] = False,
    as_json: Json = False,
) -> None:
    """Start the stack in the background, or say where it serves already."""
    try:
        connection, _ = control.up(StackOptions(folder.resolve(), port, enforce_iam), _quiet if as_json else say)
    except LocalStackError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("Interrupted; what had started is stopped again.", status=130)
    if as_json:
        say(json.dumps(asdict(connection)))


@app.command()
def down(folder: Folder = Path(), as_json: Json = False) -> None:
    """Stop the stack; pipelines, runs and logs are kept."""
    try:
        stopped = control.down(folder, _quiet if as_json else say)
    except LocalStackError as error:
        _fail(str(error))
    if as_json:
        say(json.dumps({"stopped": stopped}))
    elif not stopped:
        say("No local stack runs here.")


@app.command()
def status(folder: Folder = Path(), as_json: Json = False) -> None:
    """Say what runs; exit status 1 unless the stack serves."""
    current = control.status(folder)
    if as_json:
        shown = asdict(current)
        if current.connection is not None:
            del shown["connection"]["token"]
        say(json.dumps(shown))
    else:
        _show(current, folder)
    if current.phase != "serving":
        raise typer.Exit(1)


def _show(current: control.StackStatus, folder: Path) -> None:
    say(f"{current.phase}" + (f" on {current.connection.url}" if current.connection else ""))
    for process in current.processes:
        say(f"  {process.name}: pid {process.pid}")
    if current.phase == "killed":
        say("  The stack was killed. `cadence local up` clears what is left and goes on from the last saved state.")
    elif current.phase == "stopped":
        say(f"  Start it with `cadence local up` in {folder.resolve()}.")


def _quiet(_: str) -> None:
    """In JSON mode the answer is the only output."""


def _fail(message: str, status: int = 1) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(status)
