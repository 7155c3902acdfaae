"""The commands `local`."""

import json
import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.paths import nearest_stack
from cadence.local.shared.progress import print_line
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import DEFAULT_PORT, StackOptions

app = typer.Typer(
    name="local",
    help="Run the whole stack on this machine.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Option(help="The folder of the stack, whose files are in .cadence below it.")]
AnyFolder = Annotated[
    Path | None,
    typer.Option(
        help="The folder of the stack (default: this one, or the nearest above it that has one).", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command()
def up(
    folder: Folder = Path(),
    port: Annotated[
        int, typer.Option(help="The port to serve on at 127.0.0.1; another one is used if it is taken.")
    ] = DEFAULT_PORT,
    enforce_iam: Annotated[
        bool,
        typer.Option(
            "--enforce-iam/--no-enforce-iam",
            help="Refuse calls that are not signed or that the IAM roles do not allow, as AWS does.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Start the stack in the background, or print its address if it is running."""
    try:
        connection, _ = control.up(
            StackOptions(folder.resolve(), port, enforce_iam), _print_nothing if as_json else print_line
        )
    except LocalStackError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("The start is interrupted; started processes are stopped.", status=130)
    if as_json:
        print_line(json.dumps(asdict(connection)))


@app.command()
def down(folder: AnyFolder = None, as_json: Json = False) -> None:
    """Stop the stack. Pipelines, runs and logs are kept."""
    try:
        stopped = control.down(folder or nearest_stack(Path.cwd()), _print_nothing if as_json else print_line)
    except LocalStackError as error:
        _fail(str(error))
    if as_json:
        print_line(json.dumps({"stopped": stopped}))
    elif not stopped:
        print_line("No local stack is running in this folder.")


@app.command()
def status(folder: AnyFolder = None, as_json: Json = False) -> None:
    """Show the status of the stack. The exit code is 0 while it serves, 1 otherwise."""
    folder = folder or nearest_stack(Path.cwd())
    current = control.status(folder)
    if as_json:
        shown = asdict(current)
        if current.connection is not None:
            del shown["connection"]["token"]
        print_line(json.dumps(shown))
    else:
        _show(current, folder)
    if current.phase != "serving":
        raise typer.Exit(1)


@app.command()
def env(folder: AnyFolder = None) -> None:
    """Print what lets commands in other folders find this stack: eval "$(cadence local env --folder FOLDER)"."""
    folder = folder or nearest_stack(Path.cwd())
    connection = control.status(folder).connection
    if connection is None:
        _fail(f"No local stack is running in {folder.resolve()}. Start it there with: cadence local up")
    print_line(f"export CADENCE_URL={shlex.quote(connection.url)}")
    print_line(f"export CADENCE_TOKEN={shlex.quote(connection.token)}")


def _show(current: control.StackStatus, folder: Path) -> None:
    print_line(f"{current.phase}" + (f" on {current.connection.url}" if current.connection else ""))
    for process in current.processes:
        print_line(f"  {process.name}: pid {process.pid}")
    if current.warning:
        print_line(f"  warning: {current.warning}")
    if current.phase == "killed":
        print_line(
            "  The stack was killed. `cadence local up` removes its leftovers and continues from the last saved state."
        )
        print_line("  Runs that were under way may not continue: cadence rerun RUN --failed repeats what is missing.")
    elif current.phase == "stopped":
        if address := os.environ.get("CADENCE_URL"):
            print_line(f"  Commands use the server in CADENCE_URL, {address}, which is not the stack of this folder.")
        print_line(f"  Start it with `cadence local up` in {folder.resolve()}.")


def _print_nothing(_: str) -> None:
    """Prints nothing, since JSON is the only output of --json."""


def _fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(status)
