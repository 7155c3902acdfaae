"""The only treatment of a worker's run, made from the request of an engine."""

from collections.abc import Sequence

from cadence.domain.melodium.request import NO_EDITION, EngineContainer, LaunchRequest
from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.engine_placement import wanted
from cadence.domain.shared.errors import InvalidRequest, Violation

NAME = "worker"
"""The name of the treatment."""

LONGEST = 7 * 86_400
"""Seconds that a worker may take if its request has no duration."""

WAIT = 60
"""Seconds that a worker listens for the engine that requested it, which is notified at once."""

_NO_NAME = set(",=\0\n")
# More have no use, and the specification has to stay small.
_MOST = 50


def worker_treatment(request: LaunchRequest, group_id: str, pools: Sequence[str]) -> TreatmentSpec:
    """Returns the treatment that runs the worker.

    Raises InvalidRequest for names that cannot be passed to an engine, and for volumes that are not there.
    """
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


def _container(container: EngineContainer) -> ContainerSpec:
    return ContainerSpec(
        name=container.name,
        image=container.image,
        cpu=container.cpu or None,
        memory=container.memory or None,
        storage=container.storage or None,
        arch=container.arch,
        mounts=container.mounts,
        env=container.env,
        command=container.command,
    )


def _check(request: LaunchRequest) -> None:
    violations: list[Violation] = []
    volumes = {volume.name for volume in request.volumes}
    kinds = (("containers", request.containers), ("service_containers", request.service_containers))
    named = [("volumes", volume.name) for volume in request.volumes]
    named += [(kind, container.name) for kind, containers in kinds for container in containers]
    if len(named) > _MOST:
        violations.append(Violation("/containers", f"has with the volumes more than {_MOST}", "too_many"))
    for kind, name in named:
        if not name or _NO_NAME & set(name):
            violations.append(
                Violation(
                    f"/{kind}", f"has a name that is empty or holds a comma, an equals sign or a line end: {name!r}"
                )
            )
        if named.count((kind, name)) > 1:
            violations.append(Violation(f"/{kind}", f"has two called {name!r}"))
    for kind, containers in kinds:
        for container in containers:
            violations += [
                Violation(f"/{kind}", f"{container.name!r} mounts the volume {volume!r}, which is not there")
                for volume in container.mounts
                if volume not in volumes
            ]
            violations += [
                Violation(f"/{kind}", f"{container.name!r} mounts at {point!r}, which is no absolute path")
                for point in container.mounts.values()
                if not point.startswith("/") or "\0" in point or ".." in point.split("/")
            ]
    if violations:
        raise InvalidRequest(
            f"This worker cannot be started: {violations[0].pointer[1:]} {violations[0].message}.", violations
        )
