"""The containers of an assignment: that of its command, if it has an image, and those beside it. Of a container engine, or of the pod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional, Protocol

from ..assignments.assignment import Assignment
from ..assignments.worker_spec import Container
from ..execution.command import Command
from ..execution.sandbox import Launch
from ..execution.supervisor import Keeper
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..resources.container_usage import ContainerUsage
from ..shared.termination import Ending
from . import container_engine
from .container_engine import ContainerEngine, Environment, Wish
from .exec_server import Place
from .exec_targets import ContainerPlace
from .registries import RegistryLogins
from .services import Services


class Company(Protocol):
    """Raises AgentError for what cannot be had here, TreatmentFailed for services that do not become what they are to be."""

    @property
    def image_digest(self) -> Optional[str]:
        """Of the command's image, once that is known."""

    def fetch(self) -> None:
        """Has all images at hand when it returns."""

    def start(self) -> dict[str, str]:
        """Starts what is beside the command; returns the variables that tell the command where it is."""

    def launch(self, command: Sequence[str], env: Environment, terminal: Sequence[str] = ()) -> Optional[Launch]:
        """How to start the command in its image; None if it has none. ``terminal`` are arguments that give it this one."""

    def place(self, containers: Sequence[Container]) -> Place:
        """Where an engine's commands for these are run."""

    def usage(self) -> Optional[ContainerUsage]:
        """What the command's container uses, where its processes are not seen here."""

    def killed_for_memory(self) -> bool:
        """Whether the command's container had a process ended for the memory it took, as far as this can be known."""

    def explained(self, error: Exception) -> Exception:
        """The command's error, with what the containers beside it have to do with it."""

    def remove(self) -> None:
        """Nothing is left when this returns."""


class Members(NamedTuple):
    """What the containers of an assignment are for, and what they are run with."""

    assignment: Assignment
    runner_id: str
    workspace: Workspace
    command: Command
    log: LogBuffer
    ending: Ending
    keeper: Keeper

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return bool(self.assignment.image or self.assignment.services)


class EngineCompany:
    """Made here, by podman or docker."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._engine = ContainerEngine.find(members.runner_id)
        its = members
        self._services = Services(self._engine, its.assignment, its.log, its.ending, its.keeper)
        self.image_digest: Optional[str] = None

    def fetch(self) -> None:
        assignment, command = self._members.assignment, self._members.command
        images = [(assignment.image, "")] if assignment.image else []
        images += [(service.image, service.arch) for service in assignment.services]
        with RegistryLogins(assignment.registries.reveal()) as logins:
            for image, arch in dict.fromkeys(images):
                self._members.log.say(f"image {image} with {self._engine.kind}")
                command.pull(self._engine.pull(image, self._members.workspace, logins.environment, arch), image)
        assignment.registries.overwrite()
        if assignment.image:
            self.image_digest = self._engine.digest(assignment.image)

    def start(self) -> dict[str, str]:
        return self._services.start()

    def launch(self, command: Sequence[str], env: Environment, terminal: Sequence[str] = ()) -> Optional[Launch]:
        assignment = self._members.assignment
        if not assignment.image:
            return None
        self._members.command.engine = self._engine
        limits = (assignment.limit("cpu"), assignment.limit("memory"))
        wish = Wish(*limits, [*self._services.arguments(), *terminal], bool(assignment.stdin))
        return self._engine.launch(assignment.image, command, env, self._members.workspace, wish)

    def place(self, containers: Sequence[Container]) -> Place:
        return ContainerPlace(self._engine, {each.slug: self._services.real_name(each.slug) for each in containers})

    def usage(self) -> Optional[ContainerUsage]:
        return None

    def killed_for_memory(self) -> bool:
        return False

    def explained(self, error: Exception) -> Exception:
        return self._services.explained(error) if self._members.assignment.image else error

    def remove(self) -> None:
        self._services.remove()


def in_engines_image(image: str, command: Sequence[str], env: Environment, members: Members) -> Launch:
    """How to start a Mélodium engine that is in an image: in this machine's network, as one that is a process, since others find it there."""
    engine = ContainerEngine.find(members.runner_id)
    members.command.engine = engine
    _, others = container_engine.network(container_engine.further_arguments())
    # The workspace is the agent's own, so it is to be the agent's user.
    wish = Wish(arguments=["--network=host", "--user=0:0", *others])
    return engine.launch(image, command, env, members.workspace, wish)
