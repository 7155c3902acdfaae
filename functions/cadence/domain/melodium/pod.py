"""A worker in a Kubernetes pod: its containers and volumes beside the container of the runner, as parts of a manifest.

The runner's container holds agent and engine. Commands are executed in the others through the cluster's API, by the agent:
what the engine itself would do there takes every success for a failure.
"""

import re
from collections.abc import Mapping
from typing import Any

from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec

Json = Mapping[str, Any]

VOLUMES = "/cadence/volumes"
"""Where the runner's container has the worker's volumes, each under its name as agents write it."""

_KEEPS_RUNNING = ("/bin/sh", "-c", 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done')
_SLUG = re.compile(r"[^a-z0-9-]+")


def pod_with_containers(pod: Json, worker: WorkerSpec, runner: str) -> dict[str, Any]:
    """The specification of a pod whose container `runner` works as this worker, with all that the worker asked for.

    Its service account has to be allowed what `exec_rules` says.
    """
    names = _slugs(worker)
    volumes = {name: f"melodium-{_plain(name)}" for name in worker.volumes}
    mounts = [{"name": volumes[name], "mountPath": f"{VOLUMES}/{_plain(name)}"} for name in worker.volumes]
    variables = [
        {"name": "CADENCE_MELODIUM_CONTAINERS", "value": "pod"},
        {"name": "CADENCE_MELODIUM_VOLUMES", "value": VOLUMES},
        {"name": "CADENCE_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "CADENCE_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]
    own = [
        {**one, "env": [*one.get("env", ()), *variables], "volumeMounts": [*one.get("volumeMounts", ()), *mounts]}
        if one["name"] == runner
        else one
        for one in pod["containers"]
    ]
    beside = [_container(one, names[one.name], volumes, is_service=False) for one in worker.containers]
    services = [_container(one, names[one.name], volumes, is_service=True) for one in worker.services]
    made = [{"name": volumes[name], "emptyDir": {"sizeLimit": f"{size}M"}} for name, size in worker.volumes.items()]
    return {
        **pod,
        # The agent calls the cluster's API.
        "automountServiceAccountToken": True,
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": [names[one.name] for one in worker.all_containers]}],
        "containers": [*own, *services, *beside],
        "volumes": [*pod.get("volumes", ()), *made],
    }


def exec_rules() -> list[dict[str, Any]]:
    """What the role of the pod's service account has to allow."""
    return [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}]


def _container(asked: ContainerSpec, name: str, volumes: Mapping[str, str], *, is_service: bool) -> dict[str, Any]:
    amounts = (("cpu", asked.cpu, "m"), ("memory", asked.memory, "M"), ("ephemeral-storage", asked.storage, "M"))
    limits = {kind: f"{amount}{unit}" for kind, amount, unit in amounts if amount}
    command = asked.command if is_service else _KEEPS_RUNNING
    return {
        "name": name,
        "image": asked.image,
        "env": [{"name": variable, "value": value} for variable, value in sorted(asked.env.items())],
        **({"command": list(command)} if command else {}),
        "resources": {"requests": limits, "limits": limits},
        "volumeMounts": [{"name": volumes[volume], "mountPath": point} for volume, point in asked.mounts.items()],
    }


def _slugs(worker: WorkerSpec) -> dict[str, str]:
    """Names as the agent makes them too: services first, and no two alike."""
    found: dict[str, str] = {}
    for one in (*worker.services, *worker.containers):
        base = slug = _plain(one.name)
        number = 1
        while slug in found.values():
            number += 1
            slug = f"{base}-{number}"
        found[one.name] = slug
    return found


def _plain(name: str) -> str:
    """As `slug_of` of the agent, which is a program of its own."""
    plain = _SLUG.sub("-", name.lower()).strip("-")[:40].rstrip("-")
    return plain if plain and plain[0].isalpha() else f"c-{plain}".rstrip("-")
