"""The containers of an assignment: that of its command, if it has an image, and those beside it. Of a container engine, or of the pod."""

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
    """Raises AgentError for what cannot be had here, TreatmentFailed for services that do not become what they are to be."""

    @property
    def image_digest(self) -> Optional[str]:
        """Of the command's image, once that is known."""

    def fetch(self) -> None:
        """Has all images at hand when it returns."""

    def start(self) -> dict[str, str]:
        """Starts what is beside the command; returns the variables that tell the command where it is."""

    def launch(
        self, command: Sequence[str], env: ContainerEnvironment, terminal: Sequence[str] = ()
    ) -> Optional[LaunchSpec]:
        """How to start the command in its image; None if it has none. ``terminal`` are arguments that give it this one."""

    def exec_target(self, containers: Sequence[WorkerContainer]) -> ExecTarget:
        """Where an engine's commands for these are run."""

    def usage(self) -> Optional[ContainerUsage]:
        """What the command's container uses, where its processes are not seen here."""

    def killed_for_memory(self) -> bool:
        """Whether the command's container had a process ended for the memory it took, as far as this can be known."""

    def with_explanation(self, error: Exception) -> Exception:
        """The command's error, with what the containers beside it have to do with it."""

    def remove(self) -> None:
        """Nothing is left when this returns."""


class ContainersContext(NamedTuple):
    """What the containers of an assignment are for, and what they are run with."""

    assignment: Assignment
    runner_id: str
    workspace: Workspace
    command: Command
    log: LogBuffer
    termination: Termination
    supervisor: CommandSupervisor

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return bool(self.assignment.image or self.assignment.services)


class EngineContainers:
    """Made here, by podman or docker."""

    def __init__(self, context: ContainersContext) -> None:
        self._context = context
        self._engine = ContainerEngine.find(context.runner_id)
        context = context
        self._services = ServiceContainers(
            self._engine, context.assignment, context.log, context.termination, context.supervisor
        )
        self.image_digest: Optional[str] = None

    def fetch(self) -> None:
        assignment, command = self._context.assignment, self._context.command
        images = [(assignment.image, "")] if assignment.image else []
        images += [(service.image, service.arch) for service in assignment.services]
        with RegistryLogins(assignment.registries.reveal()) as logins:
            for image, arch in dict.fromkeys(images):
                self._context.log.say(f"image {image} with {self._engine.kind}")
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
    """How to start a Mélodium engine that is in an image: in this machine's network, as one that is a process, since others find it there."""
    engine = ContainerEngine.find(context.runner_id)
    context.command.engine = engine
    _, others = container_engine.network(container_engine.further_arguments())
    # The workspace is the agent's own, so it is to be the agent's user.
    options = ContainerOptions(arguments=["--network=host", "--user=0:0", *others])
    return engine.launch(image, command, env, context.workspace, options)
