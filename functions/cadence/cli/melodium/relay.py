"""The commands `melodium`."""

import os
import subprocess
from collections.abc import Mapping
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.agent import agent_command
from cadence.cli.shared.errors import FAILED, fail, reporting_errors
from cadence.cli.shared.output import out

melodium = typer.Typer(name="melodium", help="Mélodium engines on this machine.", no_args_is_help=True)

_NO_COMMAND = 127


@melodium.callback()
def _group() -> None:
    """Mélodium engines on this machine."""


@melodium.command()
def relay(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]…",
            help="A command to run with the relay, after --; the relay ends with it.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="The port to serve on; 0 takes any free port.", min=0, max=65535)] = 0,
) -> None:
    """Serve Mélodium's API to engines on this machine, and connect them to the workers that they request.

    Engines trust addresses on their own machine only; the relay reaches workers on other machines through the control
    plane.
    """
    with reporting_errors(as_json=False):
        client = connect()
    relay_process = subprocess.Popen(
        agent_command("relay", "--gateway", client.url, "--port", str(port)), stdout=subprocess.PIPE, text=True
    )
    try:
        assert relay_process.stdout is not None
        name, _, url = relay_process.stdout.readline().strip().partition("=")
        if name != "MELODIUM_API_URL":
            raise fail("The relay did not start; its error is above.", FAILED)
        if command:
            raise typer.Exit(_run(command, {"MELODIUM_API_URL": url, "MELODIUM_API_TOKEN": client.token}))
        out.print(f"export MELODIUM_API_URL={url}", markup=False, highlight=False, soft_wrap=True)
        out.print("MELODIUM_API_TOKEN is one of your tokens. The relay serves until Ctrl-C.", markup=False)
        relay_process.wait()
    except KeyboardInterrupt:
        return
    finally:
        relay_process.terminate()
        relay_process.wait()


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    try:
        # Engines would use a proxy for their own machine, too.
        known = [os.environ[name] for name in ("NO_PROXY", "no_proxy") if os.environ.get(name)]
        unproxied = ",".join([*known, "127.0.0.1", "localhost"])
        variables = {**os.environ, **environment, "NO_PROXY": unproxied, "no_proxy": unproxied}
        return subprocess.run(command, env=variables, check=False).returncode
    except OSError as error:
        raise fail(f"{command[0]} cannot be started: {error.strerror}.", _NO_COMMAND) from None
