"""Which pools can hold a worker, and which of them first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cadence.domain.melodium.request import EngineContainer, LaunchRequest
from cadence.domain.placement.pool import Pool

SETTINGS = "melodium"
"""In a pool's settings: `{"modes": [...], "containers_arch": "wish" | "required"}`."""

# What a pool is to a request that asks for a mode of cluster, unless its settings say so themselves.
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
    """Names of the pools that can hold it, best first; of the others, why not."""

    pools: tuple[str, ...]
    reasons: tuple[str, ...]


def candidates(request: LaunchRequest, project: str, pools: Sequence[Pool]) -> Candidates:
    """Of pools that are equally good, the order stays. All that a worker and its containers want is wanted together."""
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
    """Millicores, MB of memory and MB of storage of a worker with its containers. Its own storage holds its volumes."""
    everything: list[LaunchRequest | EngineContainer] = [request, *_containers(request)]
    return (
        sum(one.cpu or 0 for one in everything),
        sum(one.memory or 0 for one in everything),
        sum(one.storage or 0 for one in everything),
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
        has = getattr(pool.largest, name)
        if has is not None and amount > has:
            return f"has at most {has} {unit}, and {amount} are asked for"
    return None


def _rank(request: LaunchRequest, pool: Pool) -> tuple[bool, bool]:
    """Preferred modes first, then the architecture that its containers wish for."""
    disliked = bool(request.preferred) and not _modes(pool) & set(request.preferred)
    return disliked, bool(_containers_arch(request) - set(pool.architectures))


def _modes(pool: Pool) -> frozenset[str]:
    said: Iterable[str] | None = pool.settings.get(SETTINGS, {}).get("modes")
    return frozenset(said) if said is not None else _MODES.get(pool.provider, _ANY_MACHINE)


def _containers(request: LaunchRequest) -> tuple[EngineContainer, ...]:
    return (*request.containers, *request.service_containers)


def _containers_arch(request: LaunchRequest) -> set[str]:
    return {one.arch for one in _containers(request) if one.arch and one.arch != _UNKNOWN}
