"""Containers beside the command: started and healthy before it, removed after it, in one network with it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Callable

from . import containers
from .assignment import Assignment, Service
from .containers import ContainerEngine, Environment
from .ending import Deadline, Ending
from .errors import AgentError, ProducerFailed, TreatmentFailed
from .keeper import Keeper
from .logs import LineReader, LogBuffer

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
START_SECONDS = 60.0
# The engine refuses the network of a container that ended a moment before it tells of that end.
_END_IS_TOLD_WITHIN = 0.5


class Services:
    """All services of one assignment. The first holds the network that the others and the command's container join.

    Where containers are told to use the machine's own network (``--network host``), all do.
    """

    def __init__(
        self, engine: ContainerEngine, assignment: Assignment, log: LogBuffer, ending: Ending, keeper: Keeper
    ) -> None:
        self._engine, self._log, self._ending, self._keeper = engine, log, ending, keeper
        self._services = assignment.services
        self._offline = assignment.offline
        self._in_container = assignment.image is not None
        self._mounts = assignment.volumes
        self._network, self._further = containers.network(containers.further_arguments())
        self._running: list[_Running] = []
        self._stopping = threading.Event()

    def start(self) -> dict[str, str]:
        """Start all and wait until they are healthy; return the variables that tell the command where they are.

        Raises TreatmentFailed for a service that ends or is never healthy, AgentError when it cannot be started.
        """
        _require_different_ports(self._services)
        self._keeper.at_end(self._removals())
        for service in self._services:
            self._running.append(self._start(service))
        for running in self._running:
            self._wait_until_healthy(running)
        for running in self._running:
            threading.Thread(target=self._watch, args=(running,), name=running.service.name, daemon=True).start()
        return self._variables()

    def arguments(self) -> list[str]:
        """What the engine is told about the command's container: its network and its volumes."""
        mounts = _mounts(self._engine, self._mounts)
        if self._offline:
            return [*mounts, "--network=none", *self._further]
        if not self._services:
            return [*mounts, *containers.further_arguments()]
        return [*mounts, *self._joining(self._services[0].name)]

    def explained(self, error: Exception) -> Exception:
        """An engine that finds no network for the command's container names neither the service that held it nor its end."""
        holder = self._running[0] if self._running and self._network != "host" else None
        if holder is None or isinstance(error, ProducerFailed):
            return error
        try:
            code = holder.process.wait(_END_IS_TOLD_WITHIN)
        except subprocess.TimeoutExpired:
            return error
        holder.reader.join()
        said = f"service {holder.service.name}, whose network it joins, had ended with exit code {code}"
        return TreatmentFailed(f"{error}; {said}{holder.last_words}")

    def remove(self) -> None:
        """Remove all containers and volumes; nothing is left when this returns."""
        self._stopping.set()
        removals = self._removals()
        for removal in removals:
            containers.run_quietly(removal)
        if removals:
            self._keeper.at_end([])

    def _removals(self) -> list[list[str]]:
        engine = self._engine
        volumes = {volume for service in self._services for volume in service.volumes if not _is_directory(volume)}
        volumes |= set(self._mounts)
        # The command's container holds volumes too, and the first service's network is needed longest.
        names = [engine.name, *(self.real_name(service.name) for service in reversed(self._services))]
        removals = [engine.removal(name) for name in names] if self._services or volumes else []
        return removals + [engine.removal_of_volume(_volume(engine, volume)) for volume in sorted(volumes)]

    def _start(self, service: Service) -> _Running:
        name = self.real_name(service.name)
        engine_env, argv = self._engine.environment(Environment(service.env))
        argv = [self._engine.program, "run", "--name", name, "--log-driver", "none", *argv]
        argv += containers.limits(service.cpu, service.memory)
        argv += _mounts(self._engine, service.volumes)
        argv += self._holding() if not self._running else self._joining(self._running[0].service.name)
        argv += [service.image, *service.command]
        ours, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                argv, env=engine_env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, close_fds=False
            )
        except OSError as error:
            os.close(ours)
            raise AgentError(f"{self._engine.kind} cannot be started: {error.strerror}") from error
        finally:
            os.close(theirs)
        running = _Running(service, process, LineReader(ours, f"service:{service.name}", self._log))
        running.reader.start()
        deadline = Deadline(START_SECONDS)
        while not self._engine.is_running(name):
            self._require_alive(running, "it was ready")
            if deadline.passed:
                raise AgentError(f"{self._engine.kind} did not start the service {service.name} in {START_SECONDS:g} s")
            self._ending.sleep(POLL_SECONDS)
        return running

    def _wait_until_healthy(self, running: _Running) -> None:
        service = running.service
        if not service.health:
            return
        deadline = Deadline(service.timeout)
        answer = f"{service.health[0]} did not end"
        while True:
            code, said = self._health(service, deadline)
            if code == 0:
                self._log.say(f"service {service.name} is healthy")
                return
            if code is not None:
                answer = f"{service.health[0]} ended with {code}: {said}"
            self._require_alive(running, "it was healthy")
            if deadline.left <= service.interval:
                raise TreatmentFailed(
                    f"service {service.name} is not healthy after {service.timeout:g} s: {answer}{running.last_words}"
                )
            self._ending.sleep(service.interval)

    def _health(self, service: Service, deadline: Deadline) -> tuple[int | None, str]:
        """The health command's exit code (None if it did not end in time) and its last line."""
        argv = [self._engine.program, "exec", self.real_name(service.name), *service.health]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=False
        )
        try:
            while True:
                try:
                    said, _ = process.communicate(timeout=POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self._ending.check()
                    if deadline.passed:
                        return None, ""
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        return process.returncode, said.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]

    def _require_alive(self, running: _Running, before: str) -> None:
        code = running.process.poll()
        if code is None:
            return
        running.reader.join()
        if code == containers.ENGINE_FAILED:
            last = running.reader.last_line or "it gave no reason"
            raise AgentError(f"{self._engine.kind} could not start the service {running.service.name}: {last}")
        raise TreatmentFailed(
            f"service {running.service.name} ended with exit code {code} before {before}{running.last_words}"
        )

    def _watch(self, running: _Running) -> None:
        code = running.process.wait()
        if not self._stopping.is_set() and not self._ending.decided:
            self._log.say(f"service {running.service.name} ended with exit code {code}", "warning")

    def _holding(self) -> list[str]:
        """The network of the first service, with everybody's name and, for a command outside of it, everybody's ports."""
        arguments = [f"--add-host={service.name}:{LOOPBACK}" for service in self._services]
        if not self._in_container and self._network != "host":
            ports = [port for service in self._services for port in service.ports]
            arguments += [f"--publish={LOOPBACK}::{port}" for port in ports]
        return [*arguments, *containers.further_arguments()]

    def _joining(self, first: str) -> list[str]:
        if self._network == "host":
            return self._holding()
        return [f"--network=container:{self.real_name(first)}", *self._further]

    def _variables(self) -> dict[str, str]:
        return variables(self._services, lambda name: name if self._in_container else LOOPBACK, self._reached_at)

    def _reached_at(self, port: int) -> int:
        if self._in_container or self._network == "host":
            return port
        return self._engine.host_port(self.real_name(self._services[0].name), port)

    def real_name(self, service: str) -> str:
        return f"{self._engine.name}-service-{service}"


def variables(
    services: Sequence[Service], host: Callable[[str], str], reached_at: Callable[[int], int]
) -> dict[str, str]:
    """What tells a command where its services are: each one's host, and ports as they are reached from it."""
    found = {}
    for service in services:
        name = f"CADENCE_SERVICE_{service.name.upper().replace('-', '_')}"
        found[f"{name}_HOST"] = host(service.name)
        for port in reversed(service.ports):
            found[f"{name}_PORT"] = found[f"{name}_PORT_{port}"] = str(reached_at(port))
    return found


class _Running:
    """A service's container: the engine's process that is attached to it, and what it prints."""

    def __init__(self, service: Service, process: subprocess.Popen[bytes], reader: LineReader) -> None:
        self.service, self.process, self.reader = service, process, reader

    @property
    def last_words(self) -> str:
        lines = list(self.reader.last_lines)
        return f"; it said last:\n{chr(10).join(lines)}" if lines else "; it printed nothing"


def _mounts(engine: ContainerEngine, volumes: dict[str, str]) -> list[str]:
    return [f"--volume={_volume(engine, volume)}:{path}" for volume, path in volumes.items()]


def _volume(engine: ContainerEngine, volume: str) -> str:
    return volume if _is_directory(volume) else f"{engine.name}-volume-{volume}"


def _is_directory(volume: str) -> bool:
    """Whether it is one of this machine's directories rather than a volume of the container engine's."""
    return volume.startswith("/")


def _require_different_ports(services: Sequence[Service]) -> None:
    users: dict[int, str] = {}
    for service in services:
        for port in service.ports:
            other = users.setdefault(port, service.name)
            if other != service.name:
                raise TreatmentFailed(
                    f"services {other} and {service.name} both use port {port}, but share one network: give one another port"
                )
