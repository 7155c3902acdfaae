"""The agent that offers this machine as the one host of the pool `local`."""

import sys
from collections.abc import Mapping, Sequence

from cadence.local.deployment.seed import StackCredentials
from cadence.local.deployment.subprogram import output_of
from cadence.local.shared.paths import CHECKOUT, StackPaths
from cadence.local.supervision import lifeline

_POOL = "local"


async def command(
    url: str, credentials: StackCredentials, paths: StackPaths
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Build the agent and answer the command that runs it, with the variables that it needs."""
    agent = paths.host / "cadence-agent.pyz"
    await output_of("The agent could not be built", "-m", "runner_bootstrap.build", str(agent))
    arguments = ("host", "--gateway", url, "--pool", _POOL, "--name", "this-machine", "--grace", "2")
    # What this pool runs must not see the stack's own files, where a sandbox can keep them from it.
    places = ("--state", paths.host / "identity.json", "--workspaces", paths.host / "work", "--hide", paths.home)
    # A repository in this folder can be fetched from even when the folder lies below /tmp.
    shown = ("--show", paths.home.parent, "--show", CHECKOUT)
    program = (sys.executable, "-m", lifeline.__name__, sys.executable, agent, *arguments, *places, *shown)
    return [str(word) for word in program], {"CADENCE_JOIN_TOKEN": credentials.join_token}
