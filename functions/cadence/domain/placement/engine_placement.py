"""The choice of pools that can hold a Mélodium worker, and their order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cadence.domain.melodium.request import NO_EDITION, EngineContainer, LaunchRequest, RequestedSystem
from cadence.domain.melodium.specification import EngineSpec
from cadence.domain.melodium.versions import has_secrets
from cadence.domain.placement.pool import Pool
from cadence.domain.values.value_retention import ValueRetention

SETTINGS = "melodium"
"""In a pool's settings: `modes`, `containers_arch` (`wish` or `required`), `os`, `images` and `editions`."""

# The cluster modes that pools of a provider satisfy, unless their settings name them.
_MODES: Mapping[str, frozenset[str]] = {
    "host": frozenset({"self_managed", "dedicated"}),
    "openstack": frozenset({"self_managed", "dedicated"}),
    "vsphere": frozenset({"self_managed", "dedicated"}),
    "kubernetes": frozenset({"self_managed", "shared"}),
    "github_actions": frozenset({"shared"}),
    "gitlab": frozenset({"shared"}),
    "aws_fargate": frozenset({"shared", "dedicated"}),
}
_ANY_MACHINE = frozenset({"dedicated"})
_UNKNOWN = "unknown"
_LINUX: Mapping[str, str] = {"family": "linux"}
# An edition matters to engines in containers only (work/distant of 0.11.0): a machine satisfies any. In a container the
# engine is taken for the default one, as Mélodium's own images are, unless the pool's settings say otherwise.
_IN_CONTAINERS = frozenset({"kubernetes", "aws_fargate"})
_USUAL_EDITIONS = ("standard", "container")


@dataclass(frozen=True)
class Candidates:
    """The names of the pools that can hold a worker, best first, and the reasons against the others."""

    pools: tuple[str, ...]
    reasons: tuple[str, ...]


def candidates(request: LaunchRequest, project: str, pools: Sequence[Pool]) -> Candidates:
    """Returns the pools that can hold the worker.

    Equally good pools keep their order. A worker and its containers have to fit together.
    """
    reasons: list[str] = []
    fitting: list[Pool] = []
    for pool in pools:
        reason = _unfit(request, project, pool)
        if reason:
            reasons.append(f"pool {pool.name} {reason}")
        else:
            fitting.append(pool)
    fitting.sort(key=lambda pool: _rank(request, pool))
    return Candidates(tuple(pool.name for pool in fitting), tuple(reasons))


def wanted(request: LaunchRequest) -> tuple[int, int, int]:
    """Returns millicores, MB of memory and MB of storage of a worker with its containers.

    The worker's own storage holds its volumes.
    """
    parts: list[LaunchRequest | EngineContainer] = [request, *_containers(request)]
    return (
        sum(part.cpu or 0 for part in parts),
        sum(part.memory or 0 for part in parts),
        sum(part.storage or 0 for part in parts),
    )


def reports_too_much(engine: EngineSpec, retention: ValueRetention) -> str | None:
    """Returns why an engine cannot work for a pool that keeps no values here; None if it reports without values.

    A program of any version is refused by a machine that has no engine that can.
    """
    if not retention.passes:
        return "reports to the installation's own bucket"
    if not has_secrets(engine.version):
        return f"{engine.version} reports every value inside of it: 0.11.0 and newer do not"
    return None


def _unfit(request: LaunchRequest, project: str, pool: Pool) -> str | None:
    if not pool.serves(project):
        return f"does not serve project {project}"
    if request.required and not _modes(pool) & set(request.required):
        return f"is not {' or '.join(request.required)}"
    if request.arch and request.arch != _UNKNOWN and request.arch not in pool.architectures:
        return f"has no {request.arch}"
    if need := _lacking_system(request, pool):
        return need
    missing = _containers_arch(request) - set(pool.architectures)
    if missing and not request.arch and pool.settings.get(SETTINGS, {}).get("containers_arch") == "required":
        return f"has no {', '.join(sorted(missing))} for the containers"
    if _containers(request) and pool.largest.images is False:
        return "runs no containers"
    amounts = zip(
        wanted(request), ("cpu", "memory", "storage"), ("millicores", "MB of memory", "MB of storage"), strict=True
    )
    for amount, name, unit in amounts:
        available = getattr(pool.largest, name)
        if available is not None and amount > available:
            return f"has at most {available} {unit}, and {amount} are asked for"
    return None


def _lacking_system(request: LaunchRequest, pool: Pool) -> str | None:
    """Returns which system, machine image or edition of the engine a pool does not have; None if it has all."""
    settings = pool.settings.get(SETTINGS, {})
    if request.os and not _is_system(request.os, settings.get("os") or _LINUX):
        return f"has no operating system {request.os} (melodium.os in its settings)"
    if request.image and request.image not in settings.get("images", ()):
        return f"has no machine image {request.image} (melodium.images in its settings)"
    if request.edition not in (None, NO_EDITION) and not _has_edition(request.edition, pool):
        return f"has no edition {request.edition} of the engine (melodium.editions in its settings)"
    return None


def _has_edition(edition: str, pool: Pool) -> bool:
    editions: Sequence[str] | None = pool.settings.get(SETTINGS, {}).get("editions")
    if editions is None:
        return pool.provider not in _IN_CONTAINERS or edition in _USUAL_EDITIONS
    return edition in editions


def _is_system(wanted: RequestedSystem, has: Mapping[str, str]) -> bool:
    """Whether a system is the wanted one; a version is also one of its own parts (`12` of `12.5`)."""
    for part in ("family", "distribution"):
        need = getattr(wanted, part)
        if need is not None and need.lower() != has.get(part, "").lower():
            return False
    version = has.get("version", "")
    return wanted.version is None or version == wanted.version or version.startswith(f"{wanted.version}.")


def _rank(request: LaunchRequest, pool: Pool) -> tuple[bool, bool]:
    """Returns the sort key: preferred modes first, then the architecture that the containers prefer."""
    without_preferred_mode = bool(request.preferred) and not _modes(pool) & set(request.preferred)
    return without_preferred_mode, bool(_containers_arch(request) - set(pool.architectures))


def _modes(pool: Pool) -> frozenset[str]:
    configured: Iterable[str] | None = pool.settings.get(SETTINGS, {}).get("modes")
    return frozenset(configured) if configured is not None else _MODES.get(pool.provider, _ANY_MACHINE)


def _containers(request: LaunchRequest) -> tuple[EngineContainer, ...]:
    return (*request.containers, *request.service_containers)


def _containers_arch(request: LaunchRequest) -> set[str]:
    return {container.arch for container in _containers(request) if container.arch and container.arch != _UNKNOWN}
