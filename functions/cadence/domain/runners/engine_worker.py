"""The one treatment of a worker's run, made from what the asking engine wants."""

from collections.abc import Sequence

from cadence.domain.melodium.request import NO_EDITION, EngineContainer, LaunchRequest
from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.engine_placement import wanted
from cadence.domain.shared.errors import InvalidRequest, Violation

NAME = "worker"
"""Of the treatment."""

LONGEST = 7 * 86_400
"""Seconds that a worker may take for which no duration is asked."""

WAIT = 60
"""Seconds that a worker listens for the engine that asked for it, which hears of it at once."""

_NO_NAME = set(",=\0\n")
# Nobody could do anything with more, and the specification has to stay small.
_MOST = 50


def worker_treatment(request: LaunchRequest, group_id: str, pools: Sequence[str]) -> TreatmentSpec:
    """Raises InvalidRequest for names that cannot be told to an engine, and for volumes that are not there."""
    _check(request)
    cpu, memory, storage = wanted(request)
    engine = WorkerSpec(
        version=request.version,
        group_id=group_id,
        parent_id=request.parent_id,
        edition=None if request.edition == NO_EDITION else request.edition,
        duration=request.max_duration or None,
        wait=WAIT,
        volumes={volume.name: volume.storage for volume in request.volumes},
        containers=tuple(map(_container, request.containers)),
        services=tuple(map(_container, request.service_containers)),
        tags=request.tags,
    )
    return TreatmentSpec(
        name=NAME,
        pools=tuple(pools),
        cpu=cpu or None,
        memory=memory or None,
        storage=storage or None,
        arch=request.arch if request.arch in ("amd64", "arm64") else None,
        max_duration=min((request.max_duration or LONGEST) + WAIT, LONGEST),
        engine=engine,
    )


def _container(asked: EngineContainer) -> ContainerSpec:
    return ContainerSpec(
        name=asked.name,
        image=asked.image,
        cpu=asked.cpu or None,
        memory=asked.memory or None,
        storage=asked.storage or None,
        arch=asked.arch,
        mounts=asked.mounts,
        env=asked.env,
        command=asked.command,
    )


def _check(request: LaunchRequest) -> None:
    found: list[Violation] = []
    volumes = {volume.name for volume in request.volumes}
    kinds = (("containers", request.containers), ("service_containers", request.service_containers))
    named = [("volumes", volume.name) for volume in request.volumes]
    named += [(kind, container.name) for kind, containers in kinds for container in containers]
    if len(named) > _MOST:
        found.append(Violation("/containers", f"has with the volumes more than {_MOST}", "too_many"))
    for kind, name in named:
        if not name or _NO_NAME & set(name):
            found.append(
                Violation(
                    f"/{kind}", f"has a name that is empty or holds a comma, an equals sign or a line end: {name!r}"
                )
            )
        if named.count((kind, name)) > 1:
            found.append(Violation(f"/{kind}", f"has two called {name!r}"))
    for kind, containers in kinds:
        for container in containers:
            found += [
                Violation(f"/{kind}", f"{container.name!r} mounts the volume {volume!r}, which is not there")
                for volume in container.mounts
                if volume not in volumes
            ]
            found += [
                Violation(f"/{kind}", f"{container.name!r} mounts at {point!r}, which is no absolute path")
                for point in container.mounts.values()
                if not point.startswith("/") or "\0" in point or ".." in point.split("/")
            ]
    if found:
        raise InvalidRequest(f"There can be no such worker: {found[0].pointer[1:]} {found[0].message}.", found)
