"""The choice of pools that can hold a Mélodium worker, and their order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cadence.domain.melodium.request import EngineContainer, LaunchRequest
from cadence.domain.placement.pool import Pool

SETTINGS = "melodium"
"""In a pool's settings: `{"modes": [...], "containers_arch": "wish" | "required"}`."""

# The cluster modes that pools of a provider satisfy, unless their settings name them.
_MODES: Mapping[str, frozenset[str]] = {
    "host": frozenset({"self_managed", "dedicated"}),
    "openstack": frozenset({"self_managed", "dedicated"}),
    "vsphere": frozenset({"self_managed", "dedicated"}),
    "kubernetes": frozenset({"self_managed", "shared"}),
    "github": frozenset({"shared"}),
    "gitlab": frozenset({"shared"}),
    "fargate": frozenset({"shared", "dedicated"}),
}
_ANY_MACHINE = frozenset({"dedicated"})
_UNKNOWN = "unknown"


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


def _unfit(request: LaunchRequest, project: str, pool: Pool) -> str | None:
    if not pool.serves(project):
        return f"does not serve project {project}"
    if request.required and not _modes(pool) & set(request.required):
        return f"is not {' or '.join(request.required)}"
    if request.arch and request.arch != _UNKNOWN and request.arch not in pool.architectures:
        return f"has no {request.arch}"
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
