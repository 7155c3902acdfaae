"""The settings of one runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..assignments.assignment import Assignment
from ..containers.pod import Pod
from ..execution import private_network
from ..execution.cgroups import Cgroups
from ..execution.sandbox import Bubblewrap, LaunchSpec, plain
from ..execution.workspace import Workspace
from ..melodium import engine_binary, stored_packages
from ..melodium.worker_engine import runs_commands_on_host
from ..shared.errors import AgentError
from ..shared.termination import Termination
from ..values.chunks import ChunkStore
from ..values.local_chunks import LocalChunkStore


class StartedBy(NamedTuple):
    """The host that started this runner without having leased it, and its last request for work before."""

    host_id: str
    last_call: int


class RunnerSettings(NamedTuple):
    """The settings of one runner.

    ``parent`` is the directory of workspaces; ``hidden`` are directories that the command must not see, ``shown`` those
    it may read even below ``/tmp``. ``cgroups`` is where its control group is created. ``pod`` is the agent's pod, if
    it was created with containers for its treatment. ``shared``: treatments of others run on this machine too.
    ``started_by``: the claim is to lease the runner, too.
    """

    runner_id: str
    parent: Path
    hidden: Sequence[Path]
    shown: Sequence[Path] = ()
    cgroups: Cgroups | None = None
    pod: Pod | None = None
    shared: bool = False
    started_by: StartedBy | None = None

    def sandbox(self) -> Bubblewrap | None:
        """Returns the sandbox of its commands, if this machine has one."""
        own = [Path(engine.path) for engine in engine_binary.programs()]
        return Bubblewrap.find(self.hidden, [*self.shown, *own, *stored_packages.folders()])

    def protects_files(self) -> bool:
        """Returns whether no treatment can change this machine's files for another one, which may follow it."""
        return not self.shared or (self.sandbox() is not None and not runs_commands_on_host())

    def chunk_store(self, termination: Termination) -> ChunkStore:
        """Returns the store of its values; treatments on one machine hand each other live streams where none may
        change the other's files."""
        if self.shared and self.protects_files():
            return LocalChunkStore(self.parent, self.runner_id, termination)
        return ChunkStore(termination)

    def launch_on_host(
        self,
        command: Sequence[str],
        env: dict[str, str],
        workspace: Workspace,
        assignment: Assignment,
        terminal: bool = False,
    ) -> LaunchSpec:
        """Launches a command in the sandbox, or directly on the host if there is none; ``terminal`` keeps its terminal.

        Raises AgentError if there is no sandbox and the command has to be offline, or the pool requires one of
        machines that several treatments share; or if the pool asks for a private network and there can be none.
        """
        sandbox = self.sandbox()
        if not sandbox:
            self._require_nothing(assignment)
            return plain(command, env, workspace)
        network_by = self._private_network(assignment) if assignment.isolation.private_network and self.shared else None
        return sandbox.launch(command, env, workspace, assignment.offline, terminal, network_by)

    def _private_network(self, assignment: Assignment) -> str:
        if assignment.services or assignment.worker or assignment.program:
            raise AgentError(
                "the pool's setting private_network leaves no way to services and to a Mélodium engine's API, which are "
                "at loopback ports: give the treatment an image, or run it in another pool"
            )
        program = private_network.program()
        if not program:
            raise AgentError(
                "the pool's setting private_network cannot be met on this machine: install slirp4netns and allow it "
                "/dev/net/tun, or give the treatment an image"
            )
        return program

    def _require_nothing(self, assignment: Assignment) -> None:
        """Raises AgentError unless the command may run without a sandbox."""
        # An engine's check before a program does without a sandbox, too; it only asks for packages that are not there.
        is_check = assignment.program is not None and assignment.program.check_only
        if assignment.offline and not is_check:
            raise AgentError("the command cannot be offline on this machine: install bubblewrap, or give it an image")
        if self.shared and (assignment.isolation.required or assignment.isolation.private_network):
            raise AgentError(
                "the pool runs commands in a sandbox only, and this machine has none that works: install bubblewrap on "
                "it, give the treatment an image, or set require_sandbox to false in the pool's settings"
            )
