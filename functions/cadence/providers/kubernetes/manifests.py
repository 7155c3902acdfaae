"""The job of one runner, and the secret that holds its one-time token until the job is gone."""

from collections.abc import Mapping
from typing import Any

from cadence.providers.contract import RunnerRequest
from cadence.providers.kubernetes.containers import RESTRICTED, ROOT, Beside, amounts, as_user, desk_maker
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner, host_name

CONTAINER = "runner"
TOKEN_KEY = "token"  # noqa: S105 (a name)
_GRACE = 600  # seconds beyond a runner's longest time, after which the cluster ends it by itself
_TOKEN = "CADENCE_RUNNER_TOKEN"  # noqa: S105 (a variable's name)


def labels(owner: MachineOwner, request: RunnerRequest) -> Mapping[str, str]:
    """Returns the labels that jobs are found by.

    Their values have to be short words; other values are in annotations.
    """
    return {"app.kubernetes.io/managed-by": "cadence", "cadence-owner": owner.key, "cadence-runner": request.runner_id}


def job(
    settings: KubernetesSettings,
    owner: MachineOwner,
    request: RunnerRequest,
    variables: Mapping[str, str],
    parts: Beside,
) -> Mapping[str, Any]:
    """Returns the manifest of the job.

    It has no rights in the cluster, no root, and can write only to its own folder.
    """
    name = host_name(request.runner_id)
    marks = {**settings.labels, **labels(owner, request)}
    notes = {name: value for name, value in owner.tags(request).items() if name not in marks}
    seconds = request.boot_deadline + request.max_duration + _GRACE
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": marks, "annotations": notes},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": settings.kept_for,
            "template": {
                "metadata": {"labels": marks, "annotations": notes},
                "spec": _pod(settings, request, variables, name, parts),
            },
        },
    }


def secret(request: RunnerRequest, job: Mapping[str, Any], values: Mapping[str, str]) -> Mapping[str, Any]:
    """Returns the manifest of the secret, which belongs to the job and is deleted with it.

    `values` are those that the pod refers to by keys.
    """
    metadata = job["metadata"]
    owned_by = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {
            "name": host_name(request.runner_id),
            "labels": metadata.get("labels", {}),
            "ownerReferences": [owned_by],
        },
        "stringData": dict(values),
    }


def _pod(
    settings: KubernetesSettings, request: RunnerRequest, variables: Mapping[str, str], name: str, parts: Beside
) -> Mapping[str, Any]:
    arch = request.needs.arch or settings.arch
    # Empty settings are left out of the manifest.
    chosen: dict[str, Any] = {
        "nodeSelector": {**settings.node_selector, **({"kubernetes.io/arch": arch} if arch else {})},
        "tolerations": [dict(toleration) for toleration in settings.tolerations],
        "imagePullSecrets": [{"name": pull_secret} for pull_secret in settings.image_pull_secrets],
        "priorityClassName": settings.priority_class,
        "runtimeClassName": settings.runtime_class,
        "initContainers": [*([desk_maker(settings, request, parts)] if parts.desks else []), *parts.sidecars],
        "affinity": _affinity(request),
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": parts.hosts}] if parts.hosts else [],
    }
    environment = {**variables, **({"CADENCE_POD": ROOT} if parts.any else {})}
    entries = [{"name": key, "value": value} for key, value in sorted(environment.items())]
    token = {"name": _TOKEN, "valueFrom": {"secretKeyRef": {"name": name, "key": TOKEN_KEY}}}
    resources = _agent_resources(settings, request)
    return {
        **{key: value for key, value in chosen.items() if value},
        "restartPolicy": "Never",
        "serviceAccountName": settings.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"fsGroup": settings.user, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": CONTAINER,
                "image": settings.image_for(request.containers.engine),
                "env": [*entries, token],
                "resources": resources,
                "securityContext": {**RESTRICTED, **as_user(settings), "readOnlyRootFilesystem": True},
                "volumeMounts": [{"name": "work", "mountPath": "/tmp"}, *parts.mounts],  # noqa: S108 (the pod's own)
            }
        ],
        "volumes": [
            {"name": "work", "emptyDir": {"sizeLimit": resources["limits"]["ephemeral-storage"]}},
            *parts.volumes,
        ],
    }


def _affinity(request: RunnerRequest) -> Mapping[str, Any]:
    """Returns the preference for an architecture that only a worker's containers name."""
    worker = request.containers.worker
    architectures = sorted({container.arch for container in worker.all_containers if container.arch}) if worker else []
    if not architectures or request.needs.arch:
        return {}
    term = {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": architectures}]}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": term}]}}


def _agent_resources(settings: KubernetesSettings, request: RunnerRequest) -> Mapping[str, Any]:
    """Returns the resources of the agent's container.

    It gets all, unless the command is in another container; with a worker it gets what the worker's containers leave.
    """
    needs, containers = request.needs, request.containers
    least = (settings.agent_cpu, settings.agent_memory, settings.agent_storage)
    if containers.image:
        return amounts(*least)
    requested = (needs.cpu or settings.cpu, needs.memory or settings.memory, needs.storage or settings.storage)
    if containers.worker is None:
        return amounts(*requested)
    others = containers.worker.all_containers
    used = (
        sum(container.cpu or 0 for container in others),
        sum(container.memory or 0 for container in others),
        sum(container.storage or 0 for container in others),
    )
    return amounts(*(max(low, total - others) for low, total, others in zip(least, requested, used, strict=True)))
