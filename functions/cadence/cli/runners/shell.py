"""The command `shell`."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.agent import agent_command
from cadence.cli.shared.completion import complete_treatment
from cadence.cli.shared.errors import INTERRUPTED, reporting_errors
from cadence.cli.shared.options import Run
from cadence.cli.shared.output import err


def shell(
    run_id: Run,
    treatment: Annotated[
        str,
        typer.Argument(
            metavar="TREATMENT", help="A treatment whose command runs now.", autocompletion=complete_treatment
        ),
    ],
) -> None:
    """Open a shell in the workspace of a treatment that is being run.

    The shell runs where the command does: in its sandbox or container, with its environment and limits, and ends with
    it. Secrets are masked in what programs print, as in logs; a user of the shell can still use all of them. Who
    opened it is in the treatment's log and in the audit log. Exits with the shell's exit code.
    """
    with reporting_errors(as_json=False):
        client = connect()
        opened = client.open_shell(run_id, treatment)
    if sys.stderr.isatty():
        err.print(f"Waiting for runner {opened['runner_id']}, up to 10 s…", markup=False, highlight=False)
    raise typer.Exit(_attach(client.url, client.token, opened))


def _attach(url: str, token: str, opened: dict[str, str]) -> int:
    """Connects this terminal with the shell; returns its exit code."""
    reading, writing = os.pipe()
    os.write(writing, token.encode())
    os.close(writing)
    command = agent_command(
        "shell",
        *("--gateway", url),
        *("--tunnel", opened["tunnel"]),
        *("--run", opened["run_id"]),
        *("--runner-id", opened["runner_id"]),
        *("--shell", opened["shell_id"]),
        *("--token-fd", str(reading)),
    )
    try:
        # Ctrl-C before the shell has started ends both; afterwards it is a key like any other.
        return subprocess.run(command, pass_fds=[reading], check=False).returncode
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        os.close(reading)
