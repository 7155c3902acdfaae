"""Specifications of treatments whose command is a Mélodium engine.

They hold no keys, tokens or pull secrets: those are kept apart, sealed.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container that a worker requested. Units: cpu in millicores, memory and storage in MB; None is no limit.

    `mounts` maps the worker's volumes to the paths where they are mounted. Only service containers have `env` and
    `command`.
    """

    name: str
    image: str
    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    arch: str | None = None
    mounts: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """A distant worker (`melodium dist`) that an engine requested.

    It accepts only engines of this exact version and group.

    `volumes` maps names to sizes in MB. `wait` is how many seconds it waits for the requesting engine, `duration` how
    many it works (None: as long as the treatment may). `parent_id` is the run of the requesting engine.
    """

    version: str
    group_id: str
    parent_id: str | None = None
    edition: str | None = None
    duration: int | None = None
    wait: int = 60
    volumes: Mapping[str, int] = field(default_factory=dict)
    containers: tuple[ContainerSpec, ...] = ()
    services: tuple[ContainerSpec, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def all_containers(self) -> tuple[ContainerSpec, ...]:
        """The containers, then the services."""
        return (*self.containers, *self.services)


@dataclass(frozen=True, kw_only=True)
class ProgramSpec:
    """A stored program (by digest) and the command of it to run; `treatment` is the identifier that the command runs.

    `parameters` are plain JSON data by name, `types` their types. With `check_only` the engine checks the program and
    runs nothing. `errors` (`fail` or `allow`) is the outcome of a program that logs errors. `version` is that of the
    required engine, or its series (`0.11`), or None for any. With `captured`, the program is a treatment that an engine
    has run (`cadence.domain.melodium.capture`) and that is run once more; it maps the names of its outputs to their
    types. `secrets` maps the parameters that get secrets of the treatment to the variable of each (`secret_variable`).
    """

    program: str
    entrypoint: str
    treatment: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    errors: str = "fail"
    check_only: bool = False
    version: str | None = None
    captured: Mapping[str, str] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


def secret_variable(parameter: str) -> str:
    """Returns the variable in which a runner gets the secret for a parameter. The program does not get it."""
    return f"CADENCE_PARAMETER_{parameter}"


EngineSpec = WorkerSpec | ProgramSpec

_ENGINES = uuid.UUID("5b1d7a0e-3f64-5c7e-9a43-6d1f0f6f2c11")


def engine_run_id(run_id: str, treatment: str, attempt: int) -> str:
    """Returns the id of the engine's run that an attempt of a treatment starts; always the same for one attempt."""
    return str(uuid.uuid5(_ENGINES, f"{run_id}/{treatment}/{attempt}"))


def engine_group_id(run_id: str) -> str:
    """Returns the id of the group that all engines of one run belong to."""
    return str(uuid.uuid5(_ENGINES, run_id))


ENGINE_TAGS: Mapping[type, str] = {WorkerSpec: "worker", ProgramSpec: "program"}
"""The tag around each kind of engine in JSON: `{"worker": {…}}`."""


def engine_from_json(data: Mapping[str, Any]) -> EngineSpec:
    """Returns the engine from its JSON data, with its tag around it."""
    return ProgramSpec(**data["program"]) if "program" in data else worker_from_json(data["worker"])


def worker_from_json(data: Mapping[str, Any]) -> WorkerSpec:
    """Returns the worker from its JSON data, without a tag."""
    containers = {
        name: tuple(_container(container) for container in data.get(name, ())) for name in ("containers", "services")
    }
    return WorkerSpec(**{**data, **containers, "tags": tuple(data.get("tags", ()))})


def _container(data: Mapping[str, Any]) -> ContainerSpec:
    command = data.get("command")
    return ContainerSpec(**{**data, "command": None if command is None else tuple(command)})
