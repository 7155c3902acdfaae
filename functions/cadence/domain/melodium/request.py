"""Requests of engines with `run/start` (schemas/melodium-api/1.json)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NO_EDITION = "scratch"
"""The edition of a treatment that requests none in particular."""


class Mode(StrEnum):
    """The mode of a process. A `DISTRIBUTION_SECRET_KEY` is a worker that is to be started elsewhere."""

    DIRECT = "direct"
    DISTRIBUTION = "distribution"
    DIRECT_PROJECT = "direct_project"
    DISTRIBUTION_SECRET_KEY = "distribution_secret_key"  # noqa: S105 - the name of a mode


@dataclass(frozen=True)
class Volume:
    """A volume of a worker; `storage` in MB."""

    name: str
    storage: int


@dataclass(frozen=True, kw_only=True)
class EngineContainer:
    """A container that an engine requests. Units: memory and storage in MB, cpu in millicores.

    `pull_secret` is text in its author's own format, `{}` where there is none. `mounts` maps the names of volumes to
    paths in the container. `env` and `command` are those of service containers.
    """

    name: str
    image: str
    pull_secret: str = field(repr=False, default="{}")
    memory: int | None = None
    cpu: int | None = None
    storage: int | None = None
    arch: str | None = None
    mounts: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RequestedSystem:
    """The operating system that a worker has to run on; None is any."""

    family: str
    distribution: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.family, self.distribution, self.version) if part)


@dataclass(frozen=True, kw_only=True)
class LaunchRequest:
    """A request to launch a worker, or the report of a running process. Units: seconds, MB, millicores.

    `key` is the secret that the requesting engine expects from its worker. `preferred` and `required` are modes of
    clusters: `shared`, `dedicated`, `self_managed`. `image` is the name of a machine image, `os` an operating system.
    """

    version: str
    mode: Mode
    key: str | None = field(default=None, repr=False)
    id: str | None = None
    organization_id: str | None = None
    edition: str | None = None
    max_duration: int | None = None
    memory: int | None = None
    cpu: int | None = None
    storage: int | None = None
    arch: str | None = None
    os: RequestedSystem | None = None
    image: str | None = None
    volumes: tuple[Volume, ...] = ()
    containers: tuple[EngineContainer, ...] = ()
    service_containers: tuple[EngineContainer, ...] = ()
    tags: tuple[str, ...] = ()
    group_id: str | None = None
    parent_id: str | None = None
    local_exec: bool = True
    preferred: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def asks_for_worker(self) -> bool:
        """Whether a worker is to be started; otherwise the request reports a process that runs already."""
        return not self.local_exec and self.id is None and self.mode is Mode.DISTRIBUTION_SECRET_KEY

    @property
    def entrypoint(self) -> str | None:
        """The command of the program that a root run executes, from its tags."""
        return next((tag.removeprefix("entrypoint=") for tag in self.tags if tag.startswith("entrypoint=")), None)


def launch_request(body: Mapping[str, Any]) -> LaunchRequest:
    """Returns the request from a body that is valid under the schema."""
    mode, key = _mode(body["mode"])
    config = body.get("config") or {}
    plain = (
        "version",
        "organization_id",
        "edition",
        "max_duration",
        "memory",
        "cpu",
        "storage",
        "arch",
        "image",
        "local_exec",
    )
    system = body.get("os")
    return LaunchRequest(
        mode=mode,
        key=key,
        os=RequestedSystem(system["family"], system.get("distribution"), system.get("version")) if system else None,
        id=_lower(body.get("id")),
        group_id=_lower(body.get("group_id")),
        parent_id=_lower(body.get("parent_id")),
        volumes=tuple(Volume(volume["name"], volume["storage"]) for volume in body.get("volumes") or ()),
        containers=tuple(map(_container, body.get("containers") or ())),
        service_containers=tuple(map(_container, body.get("service_containers") or ())),
        tags=tuple(dict.fromkeys(body.get("tags") or ())),
        preferred=tuple(config.get("cluster_mode_preference") or ()),
        required=tuple(config.get("cluster_mode_requirement") or ()),
        **{name: body[name] for name in plain if name in body},
    )


def shown_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the body without its secrets: the worker's key, pull secrets, and values in services' environments."""
    shown = dict(body)
    mode, _ = _mode(body["mode"])
    if mode is Mode.DISTRIBUTION_SECRET_KEY:
        shown["mode"] = {str(mode): {}}
    for name in ("containers", "service_containers"):
        shown[name] = [_shown_container(container) for container in body.get(name) or ()]
    return shown


def _shown_container(body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in body.items() if name != "pull_secret"}
    return shown | {"env": sorted(body["env"])} if "env" in body else shown


def _mode(value: Any) -> tuple[Mode, str | None]:
    """Returns the mode and its key, if it has one."""
    if isinstance(value, str):
        return Mode(value), None
    ((name, content),) = value.items()
    key = content.get("key") if isinstance(content, Mapping) else None
    return Mode(name), key.lower() if isinstance(key, str) else None


def _container(body: Mapping[str, Any]) -> EngineContainer:
    command: Sequence[str] | None = body.get("command")
    plain = ("name", "image", "memory", "cpu", "storage", "arch")
    return EngineContainer(
        pull_secret=body.get("pull_secret") or "{}",
        mounts={mount["name"]: mount["mount_point"] for mount in body.get("mounts") or ()},
        env=dict(body.get("env") or {}),
        command=None if command is None else tuple(command),
        **{name: body[name] for name in plain if name in body},
    )


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
