"""Service containers: started and healthy before the command, removed after it, in one network with it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from ..assignments.assignment import AssignedService, Assignment
from ..execution.command import CONTAINER_NOT_STARTED
from ..execution.supervisor import CommandSupervisor
from ..logs.buffer import LogBuffer
from ..logs.line_reader import LineReader
from ..shared.clock import Deadline
from ..shared.errors import AgentError, ProducerFailed, TreatmentFailed
from ..shared.termination import Termination
from . import container_engine
from .container_engine import ContainerEngine, ContainerEnvironment

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
START_SECONDS = 60.0
# The engine refuses the network of a container that ended a moment before it tells of that end.
_END_IS_TOLD_WITHIN = 0.5


class ServiceContainers:
    """All services of one assignment.

    The first one holds the network that the others and the command's container join. If containers have to use the
    machine's own network (``--network host``), all do.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        folder: Path,
        assignment: Assignment,
        log: LogBuffer,
        termination: Termination,
        supervisor: CommandSupervisor,
    ) -> None:
        self._engine, self._log, self._termination, self._supervisor = engine, log, termination, supervisor
        self._folder = folder
        self._services = assignment.services
        self._offline = assignment.offline
        self._in_container = assignment.image is not None
        self._mounts = assignment.volumes
        self._network, self._further_arguments = container_engine.network(container_engine.further_arguments())
        self._running: list[_RunningService] = []
        self._stopping = threading.Event()

    def start(self) -> dict[str, str]:
        """Starts all services and waits until they are healthy; returns variables with their addresses.

        Raises TreatmentFailed for a service that ends or does not become healthy, AgentError if one cannot be started.
        """
        _require_different_ports(self._services)
        self._supervisor.set_cleanup(self._removals())
        for service in self._services:
            self._running.append(self._start(service))
        for running in self._running:
            self._wait_until_healthy(running)
        for running in self._running:
            threading.Thread(target=self._watch, args=(running,), name=running.service.name, daemon=True).start()
        return self._variables()

    def arguments(self) -> list[str]:
        """Returns the engine's arguments for the command's container: its network and its volumes."""
        mounts = _mounts(self._engine, self._mounts)
        if self._offline:
            return [*mounts, "--network=none", *self._further_arguments]
        if not self._services:
            return [*mounts, *container_engine.further_arguments()]
        return [*mounts, *self._network_member_arguments(self._services[0].name)]

    def with_explanation(self, error: Exception) -> Exception:
        """Adds the end of the service that held the network, which an engine's own error does not name."""
        holder = self._running[0] if self._running and self._network != "host" else None
        if holder is None or isinstance(error, ProducerFailed):
            return error
        try:
            code = holder.process.wait(_END_IS_TOLD_WITHIN)
        except subprocess.TimeoutExpired:
            return error
        holder.reader.join()
        output = f"service {holder.service.name}, whose network it joins, had ended with exit code {code}"
        return TreatmentFailed(f"{error}; {output}{holder.last_words}")

    def remove(self) -> None:
        """Removes all containers and volumes; nothing is left when this returns."""
        self._stopping.set()
        removals = self._removals()
        for removal in removals:
            container_engine.run_quietly(removal)
        if removals:
            self._supervisor.set_cleanup([])

    def _removals(self) -> list[list[str]]:
        engine = self._engine
        volumes = {volume for service in self._services for volume in service.volumes if not _is_directory(volume)}
        volumes |= set(self._mounts)
        # The command's container goes first, since it uses volumes; the first service last, as it holds the network.
        names = [engine.name, *(self.real_name(service.name) for service in reversed(self._services))]
        removals = [engine.removal(name) for name in names] if self._services or volumes else []
        return removals + [engine.removal_of_volume(_volume(engine, volume)) for volume in sorted(volumes)]

    def _start(self, service: AssignedService) -> _RunningService:
        name = self.real_name(service.name)
        engine_env, argv = self._engine.environment(ContainerEnvironment(service.env))
        argv = [self._engine.program, "run", "--name", name, "--log-driver", "none", *argv]
        argv += container_engine.limits(service.cpu, service.memory)
        argv += _mounts(self._engine, service.volumes)
        argv += (
            self._network_owner_arguments()
            if not self._running
            else self._network_member_arguments(self._running[0].service.name)
        )
        argv += [service.image, *service.command]
        ours, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                argv, env=engine_env, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, close_fds=False
            )  # fmt: skip
        except OSError as error:
            os.close(ours)
            raise AgentError(f"{self._engine.kind} cannot be started: {error.strerror}") from error
        finally:
            os.close(theirs)
        running = _RunningService(service, process, LineReader(ours, f"service:{service.name}", self._log))
        running.reader.start()
        deadline = Deadline(START_SECONDS)
        while not self._engine.is_running(name):
            self._require_alive(running, "it was ready")
            if deadline.passed:
                raise AgentError(f"{self._engine.kind} did not start the service {service.name} in {START_SECONDS:g} s")
            self._termination.sleep(POLL_SECONDS)
        return running

    def _wait_until_healthy(self, running: _RunningService) -> None:
        service = running.service
        if not service.health:
            return
        deadline = Deadline(service.timeout)
        answer = f"{service.health[0]} did not end"
        while True:
            code, output = self._health(service, deadline)
            if code == 0:
                self._log.say(f"service {service.name} is healthy")
                return
            if code is not None:
                answer = f"{service.health[0]} ended with {code}: {output}"
            self._require_alive(running, "it was healthy")
            if deadline.seconds_left <= service.interval:
                raise TreatmentFailed(
                    f"service {service.name} is not healthy after {service.timeout:g} s: {answer}{running.last_words}"
                )
            self._termination.sleep(service.interval)

    def _health(self, service: AssignedService, deadline: Deadline) -> tuple[int | None, str]:
        """Returns the health command's exit code (None if it did not end in time) and its last line."""
        argv = [self._engine.program, "exec", self.real_name(service.name), *service.health]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=False
        )
        try:
            while True:
                try:
                    output, _ = process.communicate(timeout=POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self._termination.check()
                    if deadline.passed:
                        return None, ""
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        return process.returncode, output.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]

    def _require_alive(self, running: _RunningService, before: str) -> None:
        code = running.process.poll()
        if code is None:
            return
        running.reader.join()
        if code == CONTAINER_NOT_STARTED:
            last = running.reader.last_line or "it gave no reason"
            raise AgentError(f"{self._engine.kind} could not start the service {running.service.name}: {last}")
        raise TreatmentFailed(
            f"service {running.service.name} ended with exit code {code} before {before}{running.last_words}"
        )

    def _watch(self, running: _RunningService) -> None:
        code = running.process.wait()
        if not self._stopping.is_set() and not self._termination.decided:
            self._log.say(f"service {running.service.name} ended with exit code {code}", "warning")

    def _network_owner_arguments(self) -> list[str]:
        """Returns the first service's arguments: host names and, for a command outside of the network, all ports."""
        arguments = [f"--add-host={service.name}:{LOOPBACK}" for service in self._services]
        if not self._in_container and self._network != "host":
            ports = [port for service in self._services for port in service.ports]
            arguments += [f"--publish={LOOPBACK}::{port}" for port in ports]
        return [*arguments, *container_engine.further_arguments()]

    def _network_member_arguments(self, first: str) -> list[str]:
        if self._network == "host":
            return self._network_owner_arguments()
        return [f"--network=container:{self.real_name(first)}", *self._further_arguments]

    def _variables(self) -> dict[str, str]:
        return variables(self._services, lambda name: name if self._in_container else LOOPBACK, self._reached_at)

    def _reached_at(self, port: int) -> int:
        if self._in_container or self._network == "host":
            return port
        return self._engine.host_port(self.real_name(self._services[0].name), port)

    def real_name(self, service: str) -> str:
        """Returns the name of a service's container."""
        return f"{self._engine.name}-service-{service}"


def variables(
    services: Sequence[AssignedService], host: Callable[[str], str], reached_at: Callable[[int], int]
) -> dict[str, str]:
    """Returns variables with each service's host, and its ports as the command reaches them."""
    addresses = {}
    for service in services:
        name = f"CADENCE_SERVICE_{service.name.upper().replace('-', '_')}"
        addresses[f"{name}_HOST"] = host(service.name)
        for port in reversed(service.ports):
            addresses[f"{name}_PORT"] = addresses[f"{name}_PORT_{port}"] = str(reached_at(port))
    return addresses


class _RunningService:
    """A service's container: the engine process attached to it, and a reader of its output."""

    def __init__(self, service: AssignedService, process: subprocess.Popen[bytes], reader: LineReader) -> None:
        self.service, self.process, self.reader = service, process, reader

    @property
    def last_words(self) -> str:
        lines = list(self.reader.last_lines)
        return f"; its last lines:\n{chr(10).join(lines)}" if lines else "; it printed nothing"


def _mounts(engine: ContainerEngine, volumes: dict[str, str]) -> list[str]:
    return [f"--volume={_volume(engine, volume)}:{path}" for volume, path in volumes.items()]


def _volume(engine: ContainerEngine, volume: str) -> str:
    return volume if _is_directory(volume) else f"{engine.name}-volume-{volume}"


def _is_directory(volume: str) -> bool:
    """Returns whether ``volume`` is a directory of this machine rather than a volume of the container engine."""
    return volume.startswith("/")


def _require_different_ports(services: Sequence[AssignedService]) -> None:
    users: dict[int, str] = {}
    for service in services:
        for port in service.ports:
            other = users.setdefault(port, service.name)
            if other != service.name:
                raise TreatmentFailed(
                    f"services {other} and {service.name} both use port {port}, but share one network: give one another port"
                )
