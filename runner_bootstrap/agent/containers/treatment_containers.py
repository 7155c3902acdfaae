"""The containers of an assignment: that of the command, if it has an image, and services.

They are run by a container engine, or are those of the agent's pod.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional, Protocol

from ..assignments.assignment import Assignment
from ..assignments.worker_spec import WorkerContainer
from ..execution.command import Command
from ..execution.sandbox import LaunchSpec
from ..execution.supervisor import CommandSupervisor
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..resources.container_usage import ContainerUsage
from ..shared.termination import Termination
from . import container_engine
from .container_engine import ContainerEngine, ContainerEnvironment, ContainerOptions
from .exec_server import ExecTarget
from .exec_targets import ContainerTarget
from .registries import RegistryLogins
from .services import ServiceContainers


class TreatmentContainers(Protocol):
    """Raises AgentError if a container cannot be provided, TreatmentFailed for services that do not become healthy."""

    @property
    def image_digest(self) -> Optional[str]:
        """The digest of the command's image, once it is known."""

    def fetch(self) -> None:
        """Makes all images available."""

    def start(self) -> dict[str, str]:
        """Starts the services; returns variables that tell the command their addresses."""

    def launch(
        self, command: Sequence[str], env: ContainerEnvironment, terminal: Sequence[str] = ()
    ) -> Optional[LaunchSpec]:
        """Launches the command in its image; None if it has none.

        ``terminal`` are arguments that attach this terminal.
        """

    def shell(self, command: Sequence[str], terminal: str) -> Optional[LaunchSpec]:
        """Launches a shell on a terminal in the command's container; None if it has none. Raises AgentError."""

    def exec_target(self, containers: Sequence[WorkerContainer]) -> ExecTarget:
        """Returns the target for an engine's commands in these containers."""

    def usage(self) -> Optional[ContainerUsage]:
        """Returns the usage of the command's container, if its processes are not visible on this machine."""

    def killed_for_memory(self) -> bool:
        """Returns whether a process of the command's container is known to have been killed for its memory."""

    def with_explanation(self, error: Exception) -> Exception:
        """Adds to the command's error what the services have to do with it."""

    def remove(self) -> None:
        """Removes everything; nothing is left when this returns."""


class ContainersContext(NamedTuple):
    """The assignment that the containers belong to, and what they are run with."""

    assignment: Assignment
    runner_id: str
    workspace: Workspace
    command: Command
    log: LogBuffer
    termination: Termination
    supervisor: CommandSupervisor

    @property
    def has_containers(self) -> bool:
        """Whether the assignment has containers."""
        return bool(self.assignment.image or self.assignment.services)


class EngineContainers:
    """Containers created on this machine, by podman or docker."""

    def __init__(self, context: ContainersContext) -> None:
        self._context = context
        self._engine = ContainerEngine.find(context.runner_id)
        self._services = ServiceContainers(
            engine=self._engine,
            folder=context.workspace.root,
            assignment=context.assignment,
            log=context.log,
            termination=context.termination,
            supervisor=context.supervisor,
        )
        self.image_digest: Optional[str] = None

    def fetch(self) -> None:
        assignment, command = self._context.assignment, self._context.command
        images = [(assignment.image, "")] if assignment.image else []
        images += [(service.image, service.arch) for service in assignment.services]
        with RegistryLogins(assignment.registries.reveal()) as logins:
            for image, arch in dict.fromkeys(images):
                self._context.log.say(f"image {image} with {self._engine.kind}")
                self._engine.require_local(image)
                command.pull(self._engine.pull(image, self._context.workspace, logins.environment, arch), image)
        assignment.registries.overwrite()
        if assignment.image:
            self.image_digest = self._engine.digest(assignment.image)

    def start(self) -> dict[str, str]:
        return self._services.start()

    def launch(
        self, command: Sequence[str], env: ContainerEnvironment, terminal: Sequence[str] = ()
    ) -> Optional[LaunchSpec]:
        assignment = self._context.assignment
        if not assignment.image:
            return None
        self._context.command.engine = self._engine
        limits = (assignment.limit("cpu"), assignment.limit("memory"))
        options = ContainerOptions(*limits, [*self._services.arguments(), *terminal], bool(assignment.stdin))
        return self._engine.launch(assignment.image, command, env, self._context.workspace, options)

    def shell(self, command: Sequence[str], terminal: str) -> Optional[LaunchSpec]:
        return (
            self._engine.shell(command, terminal, self._context.workspace) if self._context.assignment.image else None
        )

    def exec_target(self, containers: Sequence[WorkerContainer]) -> ExecTarget:
        return ContainerTarget(
            self._engine, {container.slug: self._services.real_name(container.slug) for container in containers}
        )

    def usage(self) -> Optional[ContainerUsage]:
        return None

    def killed_for_memory(self) -> bool:
        return False

    def with_explanation(self, error: Exception) -> Exception:
        return self._services.with_explanation(error) if self._context.assignment.image else error

    def remove(self) -> None:
        self._services.remove()


def launch_engine_image(
    image: str, command: Sequence[str], env: ContainerEnvironment, context: ContainersContext
) -> LaunchSpec:
    """Launches a Mélodium engine of an image in this machine's network, since other engines connect to it there."""
    engine = ContainerEngine.find(context.runner_id)
    context.command.engine = engine
    _, others = container_engine.network(container_engine.further_arguments())
    # The workspace belongs to the agent's user, which is root inside of a rootless container.
    options = ContainerOptions(arguments=["--network=host", "--user=0:0", *others])
    return engine.launch(image, command, env, context.workspace, options)
