"""What an assignment says about the Mélodium engine to start, read once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

_SLUG = re.compile(r"[^a-z0-9-]+")


class Container(NamedTuple):
    """A container beside a worker. Millicores, MB; 0 is no limit. ``slug`` is its name as engines and logs can have it."""

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


class Worker(NamedTuple):
    """A distant worker; ``wait`` and ``duration`` in seconds, ``volumes`` in MB by name."""

    version: str
    group_id: str
    wait: int
    duration: Optional[int]
    volumes: dict[str, int]
    containers: list[Container]
    tags: list[str]

    @property
    def storage(self) -> int:
        return sum(self.volumes.values()) + sum(container.storage for container in self.containers)


def worker(said: dict[str, Any]) -> Worker:
    """Raises KeyError, TypeError, ValueError for what cannot be understood."""
    taken: set[str] = set()
    custom = [_container(one, False, taken) for one in said.get("containers") or []]
    services = [_container(one, True, taken) for one in said.get("services") or []]
    return Worker(
        version=said["version"],
        group_id=said["group_id"],
        wait=int(said.get("wait") or 60),
        duration=said.get("duration"),
        volumes={name: int(size) for name, size in (said.get("volumes") or {}).items()},
        containers=[*services, *custom],
        tags=list(said.get("tags") or []),
    )


def _container(said: dict[str, Any], is_service: bool, taken: set[str]) -> Container:
    slug = slug_of(said["name"], taken)
    taken.add(slug)
    return Container(
        name=said["name"],
        slug=slug,
        image=said["image"],
        cpu=int(said.get("cpu") or 0),
        memory=int(said.get("memory") or 0),
        storage=int(said.get("storage") or 0),
        mounts=dict(said.get("mounts") or {}),
        env=dict(said.get("env") or {}),
        command=list(said.get("command") or []),
        is_service=is_service,
        arch=said.get("arch"),
    )


def slug_of(name: str, taken: "set[str] | Sequence[str]" = ()) -> str:
    """A name that container engines, host names and logs can have, like no other in ``taken``."""
    plain = _SLUG.sub("-", name.lower()).strip("-")[:40].rstrip("-")
    base = plain if plain and plain[0].isalpha() else f"c-{plain}".rstrip("-")
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
