"""The Mélodium engine of a worker: how it is started, what its containers are, and how it really ended."""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

from ..assignments import worker_spec
from ..assignments.assignment import AssignedService, Assignment, Secrets
from ..assignments.worker_spec import WorkerContainer
from ..containers.container_engine import architecture
from ..containers.exec_server import ExecServer, ExecTarget
from ..containers.exec_targets import SandboxTarget
from ..containers.pod import Pod
from ..containers.treatment_containers import TreatmentContainers
from ..execution.sandbox import Bubblewrap
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..shared.errors import AgentError, GatewayError, TreatmentFailed
from ..shared.key_files import KeyFiles
from ..shared.loopback import LOOPBACK, free_port, is_listening, network_identity, without_proxy
from ..shared.termination import Termination
from . import argv_secrets, engine_binary
from .engine_api_proxy import EngineApiProxy, Rewrite
from .engine_reports import require_permitted

#: The variable that selects where commands for containers run: ``containers`` (default), ``sandbox`` or ``host``.
CONTAINERS = "CADENCE_MELODIUM_CONTAINERS"
LOOK_EVERY = 0.01
_KEEPS_RUNNING = ["/bin/sh", "-c", 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done']
# The command line of a container engine stays while its container runs, so the keys first appear on the engine's own.
_RECEIVE_KEY, _SEND_KEY = "CADENCE_RECEIVE_KEY", "CADENCE_SEND_KEY"
_WITH_KEYS = (
    f"receive=${_RECEIVE_KEY} send=${_SEND_KEY}; unset {_RECEIVE_KEY} {_SEND_KEY}; "
    'exec "$@" --recv-key "$receive" --send-key "$send"'
)


class EngineContext(NamedTuple):
    """What an engine works with. ``api`` is the address of the control plane's Mélodium API, without /0.1.

    ``protected``: no command of another treatment can write files of this machine outside of its workspace.
    """

    workspace: Workspace
    api: str
    log: LogBuffer
    termination: Termination
    rewrite: Rewrite
    hidden: "tuple[Path, ...]"
    protected: bool
    pod: "Optional[Pod]" = None


class WorkerEngine:
    """A distant worker: listens for the engine that asked for it, works for it, and ends.

    Raises AgentError if the worker cannot run on this machine.
    """

    def __init__(self, assignment: Assignment, context: EngineContext) -> None:
        worker, secrets = assignment.worker, assignment.engine_secrets
        assert worker is not None
        self._worker, self._context = worker, context
        self._run_id = assignment.run_id
        self._receive, self._send, self._token = (secrets.get(n) for n in ("receive_key", "send_key", "api_token"))
        self._binary = required_binary(worker.version)
        self._captured = assignment.captured_values
        require_permitted(self._binary.release, self._captured)
        self._keys: Optional[KeyFiles] = None
        self._mode = "pod" if context.pod else os.environ.get(CONTAINERS) or "containers"
        if self._mode not in ("containers", "pod", "sandbox", "host"):
            raise AgentError(
                f"{CONTAINERS} is {self._mode!r} on this machine; it is one of containers, sandbox and host"
            )
        context.workspace.require_space(worker.storage)
        for name in worker.volumes:
            self._volume(name).mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._api = EngineApiProxy(
            upstream=context.api, token=self._token, rewrite=context.rewrite, observe=self._observe
        )
        self._executor: Optional[ExecServer] = None
        self._launched: Optional[bool] = None
        self._refusal: Optional[str] = None
        self._listened = self._ended = False

    @property
    def image(self) -> Optional[str]:
        """The image that the engine runs from, if it is not installed on this machine."""
        return self._binary.image

    @property
    def services(self) -> list[AssignedService]:
        """The worker's containers, if they are run by a container engine."""
        if self._mode == "containers":
            return [self._service(container) for container in self._worker.containers]
        for container in self._worker.containers if self._mode != "pod" else ():
            if container.is_service:
                raise AgentError(
                    f"the service container {container.name} needs a container engine, which this machine has none of"
                )
        return []

    def start(self, treatment_containers: Optional[TreatmentContainers]) -> list[str]:
        """Starts the API proxy and the exec server if the engine needs them; returns its command."""
        if self._token:
            self._api.start()
        if self._worker.containers:
            # The shim is run by the Python of the engine's image or machine.
            python = "python3" if self.image else sys.executable
            self._executor = ExecServer(
                self._context.workspace.root, self._exec_target(treatment_containers), self._context.log, python
            )
            self._executor.start()
        argv = ["dist", "--ip", LOOPBACK, "--port", str(self.port), "--localhost"]
        argv += ["--wait", str(self._worker.wait)]
        argv += ["--duration", str(self._worker.duration)] if self._worker.duration else []
        if self._token:
            argv += ["--api-report", *self._binary.release.debug_level(self._captured)]
        if self._binary.release.has_key_files:
            # They are removed as soon as the engine has read them. In its container the workspace has the same path.
            self._keys = KeyFiles(self._context.workspace.root / "keys", str(self._receive), str(self._send))
            return [self._binary.path, *argv, *self._keys.options]
        if self.image:
            return ["/bin/sh", "-c", _WITH_KEYS, "sh", self._binary.path, *argv]
        # The keys are hidden from other processes as soon as the engine has read them.
        return [self._binary.path, *argv, "--recv-key", str(self._receive), "--send-key", str(self._send)]

    def variables(self) -> dict[str, str]:
        """Returns the engine's environment variables."""
        worker = self._worker
        variables = {
            "MELODIUM_RUN_ID": self._run_id,
            "MELODIUM_GROUP_ID": worker.group_id,
            "MELODIUM_HOME": str(self._context.workspace.root / "melodium"),
            "NO_COLOR": "1",
            # The agent's proxy of the API is on this machine, whatever proxy leads out of it.
            **without_proxy(LOOPBACK),
            "MELODIUM_RUN_VOLUMES": ",".join(worker.volumes),
        }
        if self.image and not self._binary.release.has_key_files:
            variables.update({_RECEIVE_KEY: str(self._receive), _SEND_KEY: str(self._send)})
        variables.update({f"MELODIUM_RUN_VOLUME_{name}": str(self._volume(name)) for name in worker.volumes})
        if self._token:
            variables.update({"MELODIUM_API_URL": self._api.url, "MELODIUM_API_TOKEN": str(self._api.token)})
        if worker.tags:
            variables["MELODIUM_API_TAGS"] = " ".join(worker.tags)
        if self._executor:
            variables["MELODIUM_RUN_EXECUTOR"] = "docker"
            variables["MELODIUM_RUN_EXECUTOR_ENTRYPOINT"] = str(self._executor.entrypoint)
            for kind, is_service in (("CONTAINER", False), ("SERVICE_CONTAINER", True)):
                containers = [container for container in worker.containers if container.is_service == is_service]
                variables[f"MELODIUM_RUN_{kind}S"] = ",".join(container.name for container in containers)
                variables.update({f"MELODIUM_RUN_{kind}_{container.name}": container.slug for container in containers})
        return variables

    def watch(self, supervisor_pid: int, on_listening: Callable[[dict[str, Any]], None]) -> None:
        """Calls ``on_listening`` with the engine's address once it listens; no connection is opened for that."""
        threading.Thread(target=self._watch, args=(supervisor_pid, on_listening), name="listening", daemon=True).start()

    def require_success(self) -> None:
        """Raises TreatmentFailed unless the worker worked and ended well. An engine's exit code is nearly always 0."""
        if self._refusal:
            raise TreatmentFailed(f"the worker could not start to work: {self._refusal}")
        if not self._listened:
            raise TreatmentFailed("the engine ended before it listened; its output is above")
        if not self._token:
            return
        if not self._launched:
            raise TreatmentFailed(f"no engine connected to the worker within {self._worker.wait} s")
        if not self._ended:
            raise TreatmentFailed("the engine ended in the middle of its work, without saying why")

    def close(self) -> None:
        if self._executor:
            self._executor.stop()
        if self._token:
            self._api.stop()

    def _watch(self, supervisor_pid: int, on_listening: Callable[[dict[str, Any]], None]) -> None:
        while not is_listening(self.port):
            if self._context.termination.decided:
                return
            self._context.termination.sleep(LOOK_EVERY)
        self._listened = True
        if self._keys:
            self._keys.remove()
        else:
            argv_secrets.hide(supervisor_pid, [str(self._receive), str(self._send)])
        on_listening({"addresses": [LOOPBACK], "port": self.port, "machine": network_identity()})

    def _observe(self, path: str, body: Any) -> None:
        """Records what the engine reports to the control plane about itself."""
        if not isinstance(body, dict) or body.get("run_id") != self._run_id:
            return
        if path == "/execution/run/launched":
            errors = (body.get("response") or {}).get("error")
            self._launched = not errors
            self._refusal = "; ".join(map(str, errors)) if errors else None
        elif path == "/execution/run/ended":
            self._ended = True

    def _exec_target(self, treatment_containers: Optional[TreatmentContainers]) -> ExecTarget:
        containers = self._worker.containers
        if treatment_containers is not None:
            return treatment_containers.exec_target(containers)
        context = self._context
        program = Bubblewrap.program() if self._mode == "sandbox" else None
        if self._mode == "sandbox" and program is None:
            raise AgentError(
                "commands for containers run in a sandbox on this machine, but bubblewrap does not work here"
            )
        mounts = {
            container.slug: {point: str(self._volume(name)) for name, point in container.mounts.items()}
            for container in containers
        }
        return SandboxTarget(program, context.workspace.root, context.hidden, mounts)

    def _service(self, container: WorkerContainer) -> AssignedService:
        # The architecture in a program is its author's choice; this machine runs its own.
        arch = architecture() if container.arch else ""
        if container.arch not in (None, arch):
            self._context.log.say(f"container {container.name} asks for {container.arch}: it is run as {arch} here")
        return AssignedService(
            name=container.slug,
            image=container.image,
            env=container.env,
            command=container.command or ([] if container.is_service else _KEEPS_RUNNING),
            ports=[],
            health=[],
            interval=1,
            timeout=1,
            volumes={str(self._volume(name)): point for name, point in container.mounts.items()},
            cpu=container.cpu,
            memory=container.memory,
            arch=arch,
        )

    def _volume(self, name: str) -> Path:
        slug, pod = worker_spec.slug_of(name), self._context.pod
        return pod.volume(slug) if pod else self._context.workspace.root / "volumes" / slug


def runs_commands_on_host() -> bool:
    """Returns whether commands that workers call in containers run on this machine itself, without a sandbox."""
    return os.environ.get(CONTAINERS) == "host"


def required_binary(version: str) -> engine_binary.EngineBinary:
    """Returns the engine. Raises AgentError unless exactly this version is installed."""
    engine = next((engine for engine in engine_binary.installed() if engine.version == version), None)
    if engine is None:
        has = engine_binary.in_words() or "none"
        raise AgentError(
            f"this needs the Mélodium engine {version}, and this machine has {has}: see {engine_binary.PROGRAM}"
        )
    return engine


def with_pull_secrets(registries: Secrets, pull_secrets: Mapping[str, str], log: LogBuffer) -> Secrets:
    """Returns the logins and those in the containers' pull secrets (in the format of Docker's configuration)."""
    logins = registries.reveal()
    for container, text in pull_secrets.items():
        try:
            for host, entry in json.loads(text).get("auths", {}).items():
                plain = base64.b64decode(entry["auth"]).decode() if "auth" in entry else None
                logins[host] = plain or f"{entry['username']}:{entry['password']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            log.say(
                f"the pull secret of container {container} is not used: it is no configuration of Docker's", "warning"
            )
    return Secrets(logins)


__all__ = ["EngineContext", "GatewayError", "WorkerEngine", "required_binary", "with_pull_secrets"]
