"""The commands `local`."""

import json
import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.runs import is_final
from cadence.cli.runs.follow_run import follow_run
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Project
from cadence.cli.shared.output import duration
from cadence.local.push.push import LocalPush
from cadence.local.push.push import push as push_commit
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
_LOOK_SECONDS = 0.5

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


@app.command()
def push(
    repository: Annotated[
        Path, typer.Argument(metavar="REPOSITORY", help="A git repository on this machine.")
    ] = Path(),
    branch: Annotated[
        str | None, typer.Option(help="Push to this branch (default: the one that is checked out).", show_default=False)
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT", help="What the branch had before, for `paths` (default: the parent).", show_default=False
        ),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Push the checked out commit to the stack as a code host does, and show the runs and the commit's statuses.

    No code host is needed: the command stands in for one, connects the repository to the project for as long as it
    runs, and sends the signed webhook. What is not committed is not pushed. Exits with 1 if a run failed.
    """
    with reporting_errors(as_json):
        client = connect(project)
        try:
            pushed = LocalPush.of(repository, branch, before)
            if pushed.not_committed and not as_json:
                print_line(f"warning: not pushed, since not committed: {pushed.not_committed} changed files")
            follow = partial(_follow, client, quiet=as_json)
            outcome = push_commit(client, pushed, follow, _print_nothing if as_json else print_line)
        except LocalStackError as error:
            _fail(str(error))
    if as_json:
        print_line(json.dumps(asdict(outcome)))
    elif outcome.statuses:
        print_line("\nThe commit shows:")
        for status in outcome.statuses:
            print_line(f"  {status['context']}  {status['state']}  {status['description']}")
    if any(run["state"] != "succeeded" for run in outcome.runs):
        raise typer.Exit(1)


def _follow(client: Client, run_id: str, *, quiet: bool) -> Mapping[str, Any]:
    run: Mapping[str, Any] = client.run(run_id)
    if quiet:
        while not is_final(run["state"]):
            time.sleep(_LOOK_SECONDS)
            run = client.run(run_id)
        return run
    print_line(f"\nRun {run_id} of {run['pipeline']}:")
    run = follow_run(client, run_id)
    print_line(f"Run {run_id}: {run['state']} in {duration(run['started_at'], run['finished_at'])}")
    return run


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
