"""What the supervisor starts, as functions, so that its own behaviour can be tested without the rest of Cadence."""

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
    """`host_command` answers the command of the host agent and the variables it needs beside the supervisor's own.

    `ministack` is the command of the server, which a benchmark replaces by one that counts.
    """

    synthesize: Callable[[], Awaitable[Path]] = synthesis.synthesize
    seed: Callable[[MiniStack, StackPaths], Awaitable[StackCredentials]] = seed.seed
    host_command: HostCommand = host_agent.command
    ministack: Sequence[str] = COMMAND
