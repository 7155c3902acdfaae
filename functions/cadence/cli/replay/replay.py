"""The command `replay`: in a pool, or here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.session import ApiError
from cadence.cli.replay.comparison_page import show_comparison
from cadence.cli.replay.local_replay import LocalReplayError, replay_here, secrets_given, write_kit
from cadence.cli.runs.follow_run import watch
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import err, out, print_json

_SAME = frozenset({"deterministic", "equivalent"})


def replay(
    run_id: Run,
    treatment: Annotated[str, typer.Argument(metavar="TREATMENT", help="One of its treatments.")],
    pool: Annotated[
        str | None, typer.Option(help="A pool, instead of those that the treatment names.", show_default=False)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Without any network.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Find out why it differs: once more, and once without any network.")
    ] = False,
    here: Annotated[bool, typer.Option("--here", help="On this machine.")] = False,
    shell: Annotated[bool, typer.Option("--shell", help="Here, with a shell before the command starts.")] = False,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIABLE[=VALUE]",
            help="Here: a secret's value (without one, that of your environment); may be repeated.",
            show_default=False,
        ),
    ] = None,
    kit: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Only make a folder to replay from on any machine.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a treatment once more with what it had, and tell whether the outcome is the same.

    Ends with 0 if it is, and with 1 if not.
    """
    local = here or shell or kit is not None
    if local and (pool or offline or explain):
        raise fail("--pool, --offline and --explain are for replays in a pool: leave out --here.", WRONG_USE)
    if secret and not local:
        raise fail("--secret is for replays --here: in a pool it has the secrets that it had.", WRONG_USE)
    with told(as_json):
        client = connect()
        if kit is not None:
            write_kit(client, client.replay_kit(run_id, treatment), kit)
            out.print(f"Replay it with: python3 cadence-agent.pyz replay {kit}", markup=False, soft_wrap=True)
            return
        try:
            found = (
                replay_here(client, run_id, treatment, secrets_given(secret or []), shell=shell)
                if local
                else _in_pool(client, run_id, treatment, pool, offline=offline, explain=explain, quiet=as_json)
            )
        except LocalReplayError as error:
            raise fail(str(error), WRONG_USE if error.wrong_use else FAILED) from None
        except KeyboardInterrupt:
            raise fail("Stopped.", 130) from None
    print_json(found) if as_json else show_comparison(found)
    if found["verdict"] not in _SAME:
        raise typer.Exit(FAILED)


def _in_pool(
    client: Client, run_id: str, treatment: str, pool: str | None, *, offline: bool, explain: bool, quiet: bool
) -> Any:
    """The comparison of the first replay, with what the others tell as well."""
    first = _started(client, run_id, treatment, pool, offline=offline, quiet=quiet)
    _wait(client, [first], quiet=quiet)
    found = client.comparison(first)
    if explain and found["verdict"] == "differs":
        more = [_started(client, run_id, treatment, pool, offline=False, quiet=quiet)]
        if not offline:
            try:
                more.append(_started(client, run_id, treatment, pool, offline=True, quiet=quiet))
            except ApiError as error:
                if error.status != 409:
                    raise
                err.print(f"note: {error}", markup=False)
        _wait(client, more, quiet=quiet)
        found = client.comparison(first)
    return found


def _started(client: Client, run_id: str, treatment: str, pool: str | None, *, offline: bool, quiet: bool) -> str:
    """The replay's run."""
    started = client.replay(run_id, treatment, pool, offline)
    if not quiet:
        how = " without a network" if offline else ""
        out.print(f"replay {started['run_id']} of {treatment} in run {started['original']}{how}", markup=False)
        for unlike in started["unlike"]:
            err.print(f"note: {unlike}", markup=False)
    return str(started["run_id"])


def _wait(client: Client, replays: Sequence[str], *, quiet: bool) -> None:
    for replay in replays:
        if not quiet:
            watch(client, replay)
            continue
        for _ in client.all_logs(replay, follow=True):
            pass
