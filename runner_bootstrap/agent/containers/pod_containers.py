"""The containers of an assignment as part of the agent's pod: the cluster pulls, starts and ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..assignments.assignment import AssignedService
from ..assignments.worker_spec import WorkerContainer
from ..execution.sandbox import LaunchSpec
from ..resources.container_usage import ContainerUsage
from ..shared.clock import Deadline
from ..shared.errors import AgentError, TreatmentFailed
from .container_engine import ContainerEnvironment, digest_of
from .exec_server import ExecTarget
from .exec_targets import PodTarget
from .pod import COMMAND, Pod, PodCommand
from .services import variables
from .treatment_containers import ContainersContext

LOOK_SECONDS = 0.1


class PodContainers:
    """Containers of a pod share one network and find each other by name."""

    def __init__(self, context: ContainersContext, pod: Pod) -> None:
        self._context, self._pod = context, pod
        image = context.assignment.image
        if image and not pod.has(COMMAND):
            raise AgentError(f"the treatment needs the image {image}, but its pod was made without a container of it")
        if image and context.assignment.offline:
            raise AgentError(
                "a treatment in a pod cannot be offline: use a pool with hosts, or remove the option offline"
            )
        self.image_digest = digest_of(image) if image else None

    def fetch(self) -> None:
        """Overwrites the registry logins: the cluster has pulled the images already, with its own logins."""
        self._context.assignment.registries.overwrite()

    def start(self) -> dict[str, str]:
        services = self._context.assignment.services
        for service in services:
            if service.health:
                self._wait_until_healthy(service)
        return variables(services, lambda name: name, lambda port: port)

    def launch(
        self, command: Sequence[str], env: ContainerEnvironment, terminal: Sequence[str] = ()
    ) -> Optional[LaunchSpec]:
        if not self._context.assignment.image:
            return None
        self._context.command.engine = self._pod
        # The image's own PATH leads to its programs.
        values = {name: value for name, value in env.values.items() if name != "PATH"}
        work = str(self._context.workspace.work)
        pod_command = PodCommand(
            command=command, env=values, workdir=work, interactive=bool(self._context.assignment.stdin), alone=True
        )
        return LaunchSpec(argv=self._pod.exec_argv(COMMAND, pod_command), env={}, cwd=work, cleanup=[])

    def shell(self, command: Sequence[str], terminal: str) -> Optional[LaunchSpec]:
        if self._context.assignment.image:
            raise AgentError("a shell cannot enter the image's container of a pod: use `kubectl exec` with the pod")
        return None

    def exec_target(self, containers: Sequence[WorkerContainer]) -> ExecTarget:
        return PodTarget(self._pod, [container.slug for container in containers])

    def usage(self) -> Optional[ContainerUsage]:
        return self._pod.usage(COMMAND) if self._context.assignment.image else None

    def killed_for_memory(self) -> bool:
        used = self.usage()
        return bool(used and used.killed)

    def with_explanation(self, error: Exception) -> Exception:
        return error

    def remove(self) -> None:
        """Does nothing: the pod ends with its agent, and its containers with it."""

    def _wait_until_healthy(self, service: AssignedService) -> None:
        deadline = Deadline(service.timeout)
        while True:
            last_line, code = self._health(service)
            if code == "0":
                self._context.log.say(f"service {service.name} is healthy")
                return
            if deadline.passed:
                answer = f"{service.health[0]} ended with {code}: {last_line}" if code else "it was never looked at"
                raise TreatmentFailed(f"service {service.name} is not healthy after {service.timeout:g} s: {answer}")
            self._context.termination.sleep(LOOK_SECONDS)

    def _health(self, service: AssignedService) -> tuple[str, Optional[str]]:
        """Returns the last line that the health command printed, and its exit code (None: it has not ended yet)."""
        try:
            lines = self._pod.health(service.name).read_text("utf-8", "replace").splitlines()
        except OSError:
            return "", None
        if not lines or not lines[-1].startswith("ended "):
            return "", None
        last_line = next((line for line in reversed(lines[:-1]) if line.strip()), "")
        return last_line.strip()[:200], lines[-1][len("ended ") :]
