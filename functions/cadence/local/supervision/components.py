"""The parts of the stack as functions, so that tests of the supervisor can replace them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadence.local.deployment import seed, synthesis
from cadence.local.deployment.seed import StackCredentials
from cadence.local.ministack.server import COMMAND, MiniStack
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import host_agent

HostCommand = Callable[[str, StackCredentials, StackPaths], Awaitable[tuple[Sequence[str], Mapping[str, str]]]]


@dataclass(frozen=True)
class StackComponents:
    """`host_command` returns the command of the host agent and further environment variables for it.

    `ministack` is the command of the server, which a benchmark replaces with one that counts calls.
    """

    synthesize: Callable[[], Awaitable[Path]] = synthesis.synthesize
    seed: Callable[[MiniStack, StackPaths], Awaitable[StackCredentials]] = seed.seed
    host_command: HostCommand = host_agent.command
    ministack: Sequence[str] = COMMAND
