"""The part of an assignment that describes a Mélodium worker to start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

_SLUG = re.compile(r"[^a-z0-9-]+")


class WorkerContainer(NamedTuple):
    """A container beside a worker.

    ``cpu`` is in millicores, ``memory`` and ``storage`` in MB (0: no limit). ``slug`` is a form of its name that
    engines and logs accept.
    """

    name: str
    slug: str
    image: str
    cpu: int
    memory: int
    storage: int
    mounts: dict[str, str]
    env: dict[str, str]
    command: list[str]
    is_service: bool
    arch: Optional[str] = None


class AssignedWorker(NamedTuple):
    """A distant worker; ``wait`` and ``duration`` are in seconds, ``volumes`` in MB by name."""

    version: str
    group_id: str
    wait: int
    duration: Optional[int]
    volumes: dict[str, int]
    containers: list[WorkerContainer]
    tags: list[str]

    @property
    def storage(self) -> int:
        return sum(self.volumes.values()) + sum(container.storage for container in self.containers)


def worker(content: dict[str, Any]) -> AssignedWorker:
    """Parses a worker. Raises KeyError, TypeError or ValueError if the content cannot be parsed."""
    used_slugs: set[str] = set()
    custom = [_container(container, False, used_slugs) for container in content.get("containers") or []]
    services = [_container(container, True, used_slugs) for container in content.get("services") or []]
    return AssignedWorker(
        version=content["version"],
        group_id=content["group_id"],
        wait=int(content.get("wait") or 60),
        duration=content.get("duration"),
        volumes={name: int(size) for name, size in (content.get("volumes") or {}).items()},
        containers=[*services, *custom],
        tags=list(content.get("tags") or []),
    )


def _container(content: dict[str, Any], is_service: bool, used_slugs: set[str]) -> WorkerContainer:
    slug = slug_of(content["name"], used_slugs)
    used_slugs.add(slug)
    return WorkerContainer(
        name=content["name"],
        slug=slug,
        image=content["image"],
        cpu=int(content.get("cpu") or 0),
        memory=int(content.get("memory") or 0),
        storage=int(content.get("storage") or 0),
        mounts=dict(content.get("mounts") or {}),
        env=dict(content.get("env") or {}),
        command=list(content.get("command") or []),
        is_service=is_service,
        arch=content.get("arch"),
    )


def slug_of(name: str, used_slugs: "set[str] | Sequence[str]" = ()) -> str:
    """Returns a name that container engines, host names and logs accept and that is not in ``taken``."""
    plain = _SLUG.sub("-", name.lower()).strip("-")[:40].rstrip("-")
    base = plain if plain and plain[0].isalpha() else f"c-{plain}".rstrip("-")
    slug, number = base, 1
    while slug in used_slugs:
        number += 1
        slug = f"{base}-{number}"
    return slug
