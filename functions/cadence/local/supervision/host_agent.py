"""The host agent, which makes this machine the only host of the pool `local`."""

import sys
from collections.abc import Mapping, Sequence

from cadence.local.deployment.seed import StackCredentials
from cadence.local.deployment.subprogram import output_of
from cadence.local.shared import lifeline
from cadence.local.shared.paths import CHECKOUT, StackPaths

_POOL = "local"


async def command(
    url: str, credentials: StackCredentials, paths: StackPaths
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Builds the agent; returns the command that runs it and its environment variables."""
    agent = paths.host / "cadence-agent.pyz"
    await output_of("The agent could not be built", "-m", "runner_bootstrap.build", "--bytecode", str(agent))
    arguments = ("host", "--gateway", url, "--pool", _POOL, "--name", "this-machine", "--grace", "2")
    # Treatments of this pool must not see the files of the stack where a sandbox can hide them.
    workspaces = paths.workspaces.resolve()
    folders = ("--state", paths.host / "identity.json", "--workspaces", workspaces)
    hidden = ("--hide", paths.home, "--hide", workspaces)
    # Treatments can fetch from a repository in this folder even if it lies below /tmp.
    shown = ("--show", paths.home.parent, "--show", CHECKOUT)
    program = (sys.executable, "-m", lifeline.__name__, sys.executable, agent, *arguments, *folders, *hidden, *shown)
    return [str(word) for word in program], {"CADENCE_JOIN_TOKEN": credentials.join_token}
