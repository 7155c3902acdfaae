"""Treatments whose command is a Mélodium engine, as admitted. Without keys, tokens and pull secrets: those are kept apart, sealed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container that a worker asked for. Units: cpu in millicores, memory and storage in MB; None is no limit.

    `mounts` are the worker's volumes, by name, and where each is mounted. `env` and `command` are of service containers only.
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
    """A distant worker (`melodium dist`), as the asking engine described it. It accepts an engine of this very version and group only.

    `volumes` are names and sizes in MB. `wait` is how many seconds it listens for the asking engine, `duration` how many it
    works (None: as long as the treatment may). `parent_id` is the run of the engine that asked.
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
        return (*self.containers, *self.services)


@dataclass(frozen=True, kw_only=True)
class ProgramSpec:
    """A stored program (by digest) and the command of it to run; `treatment` is the identifier of what that command runs.

    `parameters` are plain JSON data by name, `types` what each is. With `check_only` the engine checks it and runs nothing.
    `errors` is `fail` or `allow`: what is made of a program that logs errors. `version` is of the engine that it takes
    (None: any). With `captured` the program is a treatment that an engine has run (`cadence.domain.melodium.capture`), to be
    run once more; by name, the types of what it sent. `secrets` are parameters that the treatment's secrets are given as, by
    the variable of each (`secret_variable`).
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
    """The variable by which a runner is told the secret for a parameter. Its program does not get it."""
    return f"CADENCE_PARAMETER_{parameter}"


EngineSpec = WorkerSpec | ProgramSpec

_ENGINES = uuid.UUID("5b1d7a0e-3f64-5c7e-9a43-6d1f0f6f2c11")


def engine_run_id(run_id: str, treatment: str, attempt: int) -> str:
    """The run of the engine that an attempt of a treatment starts: the same whenever it is asked for."""
    return str(uuid.uuid5(_ENGINES, f"{run_id}/{treatment}/{attempt}"))


def engine_group_id(run_id: str) -> str:
    """All engines of one run are of one group."""
    return str(uuid.uuid5(_ENGINES, run_id))


ENGINE_TAGS: Mapping[type, str] = {WorkerSpec: "worker", ProgramSpec: "program"}
"""How each kind of engine is told from the others where it is written down: `{"worker": {…}}`."""


def engine_from_json(data: Mapping[str, Any]) -> EngineSpec:
    """What was written with its tag around it."""
    return ProgramSpec(**data["program"]) if "program" in data else worker_from_json(data["worker"])


def worker_from_json(data: Mapping[str, Any]) -> WorkerSpec:
    containers = {name: tuple(_container(one) for one in data.get(name, ())) for name in ("containers", "services")}
    return WorkerSpec(**{**data, **containers, "tags": tuple(data.get("tags", ()))})


def _container(data: Mapping[str, Any]) -> ContainerSpec:
    command = data.get("command")
    return ContainerSpec(**{**data, "command": None if command is None else tuple(command)})
