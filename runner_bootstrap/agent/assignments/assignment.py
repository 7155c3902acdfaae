"""The assignment that a claim returned, parsed and checked once."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, Optional

from ..shared.errors import AgentError, TreatmentFailed
from . import program_spec, value_types, worker_spec
from .assigned_split import assigned_split
from .assigned_steps import assigned_steps

_PORT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
_DEFAULT_SHELL = "sh -e"


class AssignedPort(NamedTuple):
    """An input or output of the treatment.

    ``flow`` is ``block`` or ``stream``; ``path`` is a place in the working directory. For an input, ``literal`` is its
    content if nothing has to be fetched, and ``fed`` is false if it never gets data. ``first`` is the gateway's answer
    for its first chunks, if its producer had ended or was writing it when the treatment was claimed. An ``optional``
    output is empty if there is nothing at its path.
    """

    name: str
    flow: str
    type: str
    path: Optional[str] = None
    literal: Optional[str] = None
    fed: bool = True
    first: Optional[dict[str, Any]] = None
    optional: bool = False

    @property
    def is_stream(self) -> bool:
        return self.flow == "stream"

    @property
    def variable(self) -> str:
        return self.name.replace("-", "_")


class AssignedService(NamedTuple):
    """A container beside the command.

    ``interval`` and ``timeout`` are in seconds, ``cpu`` in millicores, ``memory`` in MB (0: no limit). ``arch`` is the
    image's architecture, if it matters.
    """

    name: str
    image: str
    env: dict[str, str]
    command: list[str]
    ports: list[int]
    health: list[str]
    interval: float
    timeout: float
    volumes: dict[str, str]
    cpu: int
    memory: int
    arch: str = ""


class AssignedCache(NamedTuple):
    """Paths kept between runs under ``key`` and the hash of ``files``.

    ``restore`` are key prefixes that are accepted instead.
    """

    key: str
    files: list[str]
    paths: list[str]
    restore: list[str]


class Secrets:
    """The assignment's secrets, in buffers that can be overwritten."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = {name: bytearray(value.encode("utf-8", "surrogatepass")) for name, value in values.items()}

    def __iter__(self) -> Any:
        return iter(self._values)

    def reveal(self) -> dict[str, str]:
        """Returns the values by name, for the masker and the command's environment."""
        return {name: value.decode("utf-8", "surrogatepass") for name, value in self._values.items()}

    def get(self, name: str) -> str | None:
        value = self._values.get(name)
        return None if value is None else value.decode("utf-8", "surrogatepass")

    def overwrite(self) -> None:
        for value in self._values.values():
            value[:] = bytes(len(value))
        self._values.clear()


class Isolation(NamedTuple):
    """What a pool asks of the machines that several treatments share.

    ``required``: no command runs without a sandbox or a container. ``private_network``: none reaches the machine's own
    network.
    """

    required: bool = False
    private_network: bool = False


class Assignment:
    """The work of this runner. Raises AgentError if the gateway's answer cannot be parsed."""

    def __init__(self, answer: dict[str, Any]) -> None:
        try:
            self.session_token: str = answer["session_token"]
            self.run_id: str = answer["run_id"]
            self.treatment: str = answer["treatment"]
            self.attempt: int = answer["attempt"]
            self.script: str = answer["run"]
            self.inputs = _ports(answer["inputs"])
            self.outputs = _ports(answer["outputs"])
            self.heartbeat_seconds = float(answer["heartbeat_seconds"])
            self.lease_seconds = float(answer["lease_seconds"])
            self.organization: str = answer.get("organization") or ""
            self.project: str = answer.get("project") or ""
            self.pipeline: str = answer.get("pipeline") or ""
            self.shell: str = answer.get("shell") or _DEFAULT_SHELL
            self.steps = assigned_steps(answer.get("steps") or [], self.shell)
            self.image: str | None = answer.get("image") or None
            self.offline = bool(answer.get("offline"))
            isolation = answer.get("isolation") or {}
            self.isolation = Isolation(bool(isolation.get("required")), bool(isolation.get("private_network")))
            self.env: dict[str, str] = dict(answer.get("env") or {})
            self.secrets = Secrets(answer.pop("secrets", None) or {})
            self.registries = Secrets(answer.pop("registries", None) or {})
            self.parameters: dict[str, Any] = dict(answer.get("parameters") or {})
            self.event: dict[str, Any] = dict(answer.get("event") or {})
            self.limits: dict[str, Any] = dict(answer.get("limits") or {})
            self.max_duration: float | None = answer.get("max_duration")
            self.log_flush_seconds = float(answer.get("log_flush_ms") or 200) / 1000
            self.follow = bool(answer.get("follow"))
            self.stdin: str | None = answer.get("stdin") or None
            self.stdout: str | None = answer.get("stdout") or None
            self.services = _services(answer.get("services") or {})
            self.volumes: dict[str, str] = dict(answer.get("volumes") or {})
            self.quarantine = [str(pattern) for pattern in answer.get("quarantine") or []]
            self.split = assigned_split(answer["split"]) if answer.get("split") else None
            self.caches = [_cache(cache) for cache in answer.get("caches") or []]
            engine = answer.pop("engine", None) or {}
            secrets_by_name = engine.pop("secrets", None) or {}
            self.pull_secrets = Secrets(secrets_by_name.pop("pull_secrets", None) or {})
            self.engine_secrets = Secrets(secrets_by_name)
            self.captured_values: str = engine.get("values") or "full"
            self.worker = worker_spec.worker(engine["worker"]) if engine.get("worker") else None
            self.program = program_spec.program(engine["program"]) if engine.get("program") else None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AgentError(
                f"the gateway's assignment cannot be understood: {type(error).__name__} {error}"
            ) from error

    def require_consistent(self) -> None:
        """Raises TreatmentFailed or AgentError if the assignment combines settings that exclude each other."""
        if self.volumes and not self.image:
            raise TreatmentFailed("volumes are mounted in containers only: give the treatment an image")
        if self.offline and self.services:
            raise AgentError("a treatment with services cannot be offline: remove its services or the option offline")

    def limit(self, name: str) -> int:
        """Returns a limit (cpu in millicores, memory and storage in MB); 0 means no limit."""
        return int(self.limits.get(name) or 0)

    @property
    def secret_values(self) -> list[str]:
        """Every value that must not be visible anywhere, except registry logins."""
        secret_groups = (self.secrets, self.engine_secrets, self.pull_secrets)
        return [value for secrets in secret_groups for value in secrets.reveal().values()]

    def overwrite_secrets(self) -> None:
        for secrets in (self.secrets, self.registries, self.engine_secrets, self.pull_secrets):
            secrets.overwrite()

    @property
    def event_text(self) -> str:
        return json.dumps(self.event, ensure_ascii=False)

    def variables(self, path_variables: dict[str, str]) -> dict[str, str]:
        """Returns the ``CADENCE_*`` variables and ``env``, without secrets.

        ``path_variables`` are those that hold paths. Raises AgentError for a value with a NUL character.
        """
        variables = {
            "CI": "true",
            "CADENCE": "1",
            "CADENCE_RUN_ID": self.run_id,
            "CADENCE_TREATMENT": self.treatment,
            "CADENCE_ATTEMPT": str(self.attempt),
            "CADENCE_ORGANIZATION": self.organization,
            "CADENCE_PROJECT": self.project,
            "CADENCE_PIPELINE": self.pipeline,
            **_commit_variables(self.event),
        }
        for name, value in self.parameters.items():
            variables[f"CADENCE_PARAM_{_identifier(name)}"] = _text(value)
        for name, value in self.event.items():
            if isinstance(value, (str, bool, int)):
                variables[f"CADENCE_EVENT_{_identifier(name).upper()}"] = _text(value)
        variables.update(path_variables)
        variables.update({name: str(value) for name, value in self.env.items()})
        for name, value in variables.items():
            if "\0" in value:
                raise AgentError(f"the variable {name} holds a NUL character, which no environment can carry")
        return variables


def _ports(ports: list[dict[str, Any]]) -> list[AssignedPort]:
    read = [
        AssignedPort(
            name=port["port"],
            flow=port["flow"],
            type=port.get("type") or "byte",
            path=port.get("path"),
            literal=port.get("literal"),
            fed=port.get("fed", True),
            first=port.get("first"),
            optional=bool(port.get("optional")),
        )
        for port in ports
    ]
    for port in read:
        if not _PORT.match(port.name):
            raise ValueError(f"the port name {port.name!r}")
        value_types.parse(port.type)
    return read


def _services(services: dict[str, Any]) -> list[AssignedService]:
    read = []
    for name, service in services.items():
        if not _SERVICE.match(name):
            raise ValueError(f"the service name {name!r}")
        health = service.get("health") or {}
        read.append(
            AssignedService(
                name=name,
                image=service["image"],
                env=dict(service.get("env") or {}),
                command=list(service.get("command") or []),
                ports=list(service.get("ports") or []),
                health=list(health.get("command") or []),
                interval=float(health.get("interval") or 2),
                timeout=float(health.get("timeout") or 60),
                volumes=dict(service.get("volumes") or {}),
                cpu=int(service.get("cpu") or 0),
                memory=int(service.get("memory") or 0),
            )
        )
    return read


def _cache(service: dict[str, Any]) -> AssignedCache:
    return AssignedCache(
        service["key"], list(service.get("files") or []), list(service["paths"]), list(service.get("restore") or [])
    )


def _commit_variables(event: dict[str, Any]) -> dict[str, str]:
    """Returns the variables that name the commit of a git event; none for what the event does not have."""
    fields = {
        "CADENCE_REPOSITORY": "repository",
        "CADENCE_COMMIT": "commit",
        "CADENCE_BRANCH": "branch",
        "CADENCE_TAG": "tag",
        "CADENCE_PULL_REQUEST": "number",
        "CADENCE_BASE_BRANCH": "base_branch",
        "CADENCE_BASE_COMMIT": "base_commit",
    }
    if event.get("kind") not in ("push", "pull_request", "release"):
        return {}
    return {variable: _text(event[field]) for variable, field in fields.items() if event.get(field)}


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _text(value: Any) -> str:
    """Returns a string unchanged and any other value as JSON (true, 1.5, null, lists)."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
