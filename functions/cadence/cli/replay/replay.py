"""The command `replay`: in a pool, or on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.session import ApiError
from cadence.cli.replay.comparison_page import show_comparison
from cadence.cli.replay.local_replay import LocalReplayError, parse_secrets, replay_here, write_kit
from cadence.cli.runs.follow_run import follow_run
from cadence.cli.shared.errors import FAILED, INTERRUPTED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Run, Treatment
from cadence.cli.shared.output import err, out, print_json

_SAME = frozenset({"deterministic", "equivalent"})


def replay(
    run_id: Run,
    treatment: Treatment,
    pool: Annotated[
        str | None, typer.Option(help="A pool to use instead of those that the treatment names.", show_default=False)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Run without a network.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="If the results differ, replay again with and without a network to find the reason."
        ),
    ] = False,
    here: Annotated[bool, typer.Option("--here", help="Replay on this machine.")] = False,
    shell: Annotated[
        bool, typer.Option("--shell", help="Replay on this machine, and open a shell before the command starts.")
    ] = False,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIABLE[=VALUE]",
            help="With --here: the value of a secret (default: from your environment); may be repeated.",
            show_default=False,
        ),
    ] = None,
    kit: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write a folder from which any machine can replay; run nothing.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a treatment again with the same inputs, environment and image, and compare the outputs.

    The exit code is 0 if they are the same, 1 otherwise.
    """
    local = here or shell or kit is not None
    if local and (pool or offline or explain):
        raise fail("--pool, --offline and --explain cannot be combined with --here, --shell or --kit.", WRONG_USE)
    if secret and not local:
        raise fail(
            "--secret requires --here, --shell or --kit: a replay in a pool uses the secrets of the project.", WRONG_USE
        )
    with reporting_errors(as_json):
        client = connect()
        if kit is not None:
            write_kit(client, client.replay_kit(run_id, treatment), kit)
            out.print(f"Replay it with: python3 cadence-agent.pyz replay {kit}", markup=False, soft_wrap=True)
            return
        try:
            found = (
                replay_here(client, run_id, treatment, parse_secrets(secret or []), shell=shell)
                if local
                else _in_pool(client, run_id, treatment, pool, offline=offline, explain=explain, quiet=as_json)
            )
        except LocalReplayError as error:
            raise fail(str(error), WRONG_USE if error.wrong_use else FAILED) from None
        except KeyboardInterrupt:
            raise fail("The replay is interrupted.", INTERRUPTED) from None
    print_json(found) if as_json else show_comparison(found)
    if found["verdict"] not in _SAME:
        raise typer.Exit(FAILED)


def _in_pool(
    client: Client, run_id: str, treatment: str, pool: str | None, *, offline: bool, explain: bool, quiet: bool
) -> Any:
    """The comparison of the first replay; with `explain` the results of further replays are part of it."""
    first = _start(client, run_id, treatment, pool, offline=offline, quiet=quiet)
    _wait(client, [first], quiet=quiet)
    found = client.comparison(first)
    if explain and found["verdict"] == "differs":
        more = [_start(client, run_id, treatment, pool, offline=False, quiet=quiet)]
        if not offline:
            try:
                more.append(_start(client, run_id, treatment, pool, offline=True, quiet=quiet))
            except ApiError as error:
                if error.status != 409:
                    raise
                err.print(f"note: {error}", markup=False)
        _wait(client, more, quiet=quiet)
        found = client.comparison(first)
    return found


def _start(client: Client, run_id: str, treatment: str, pool: str | None, *, offline: bool, quiet: bool) -> str:
    """Starts a replay; returns its run."""
    started = client.replay(run_id, treatment, pool, offline)
    if not quiet:
        mode = " without a network" if offline else ""
        out.print(f"replay {started['run_id']} of {treatment} in run {started['original']}{mode}", markup=False)
        for unlike in started["unlike"]:
            err.print(f"note: {unlike}", markup=False)
    return str(started["run_id"])


def _wait(client: Client, replays: Sequence[str], *, quiet: bool) -> None:
    for replay in replays:
        if not quiet:
            follow_run(client, replay)
            continue
        for _ in client.all_logs(replay, follow=True):
            pass
