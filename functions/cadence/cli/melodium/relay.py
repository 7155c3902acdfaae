"""The commands `melodium …`."""

import os
import subprocess
from collections.abc import Mapping
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.replay.local_replay import agent_command
from cadence.cli.shared.errors import FAILED, fail, told
from cadence.cli.shared.output import out

melodium = typer.Typer(name="melodium", help="For Mélodium engines on this machine.", no_args_is_help=True)

_NO_COMMAND = 127


@melodium.callback()
def _group() -> None:
    """For Mélodium engines on this machine."""


@melodium.command()
def relay(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]…", help="What to run with it, after --; it ends with that.", show_default=False
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Where engines find it; 0 is any free port.", min=0, max=65535)] = 0,
) -> None:
    """Serve Mélodium's API to engines on this machine, with ways to the workers that they ask for.

    A worker on another machine is reached through the control plane: an engine only trusts what it finds on this machine.
    """
    with told(as_json=False):
        client = connect()
    serving = subprocess.Popen(
        agent_command("relay", "--gateway", client.url, "--port", str(port)), stdout=subprocess.PIPE, text=True
    )
    try:
        assert serving.stdout is not None
        name, _, url = serving.stdout.readline().strip().partition("=")
        if name != "MELODIUM_API_URL":
            raise fail("The relay did not start; why is above.", FAILED)
        if command:
            raise typer.Exit(_run(command, {"MELODIUM_API_URL": url, "MELODIUM_API_TOKEN": client.token}))
        out.print(f"export MELODIUM_API_URL={url}", markup=False, highlight=False, soft_wrap=True)
        out.print("MELODIUM_API_TOKEN is a token of yours; the relay serves until Ctrl-C.", markup=False)
        serving.wait()
    except KeyboardInterrupt:
        return
    finally:
        serving.terminate()
        serving.wait()


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    try:
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    except OSError as error:
        raise fail(f"{command[0]} cannot be started: {error.strerror}.", _NO_COMMAND) from None
