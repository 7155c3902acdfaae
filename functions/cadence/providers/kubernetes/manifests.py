"""The job of one runner, and the secret that holds its one-time token until the job is gone."""

from collections.abc import Mapping
from typing import Any

from cadence.providers.contract import RunnerRequest
from cadence.providers.kubernetes.containers import RESTRICTED, ROOT, Beside, amounts, as_user, desk_maker
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner, host_name

CONTAINER = "runner"
TOKEN_KEY = "token"  # noqa: S105 (a name)
_GRACE = 600  # seconds beyond what a runner may take, by which the cluster ends it by itself
_TOKEN = "CADENCE_RUNNER_TOKEN"  # noqa: S105 (a variable's name)


def labels(owner: MachineOwner, request: RunnerRequest) -> Mapping[str, str]:
    """What jobs are found by. Their values have to be short words; what need not be is in annotations."""
    return {"app.kubernetes.io/managed-by": "cadence", "cadence-owner": owner.key, "cadence-runner": request.runner_id}


def job(
    settings: KubernetesSettings,
    owner: MachineOwner,
    request: RunnerRequest,
    variables: Mapping[str, str],
    made: Beside,
) -> Mapping[str, Any]:
    """No rights in the cluster, no root, nothing to write to but its own folder."""
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
                "spec": _pod(settings, request, variables, name, made),
            },
        },
    }


def secret(request: RunnerRequest, job: Mapping[str, Any], told: Mapping[str, str]) -> Mapping[str, Any]:
    """Belongs to the job, and goes with it. `told` is what the pod names by keys."""
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
        "stringData": dict(told),
    }


def _pod(
    settings: KubernetesSettings, request: RunnerRequest, variables: Mapping[str, str], name: str, made: Beside
) -> Mapping[str, Any]:
    arch = request.needs.arch or settings.arch
    # What the settings leave out is left out here.
    chosen: dict[str, Any] = {
        "nodeSelector": {**settings.node_selector, **({"kubernetes.io/arch": arch} if arch else {})},
        "tolerations": [dict(each) for each in settings.tolerations],
        "imagePullSecrets": [{"name": each} for each in settings.image_pull_secrets],
        "priorityClassName": settings.priority_class,
        "runtimeClassName": settings.runtime_class,
        "initContainers": [*([desk_maker(settings, request, made)] if made.desks else []), *made.sidecars],
        "affinity": _wish(request),
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": made.hosts}] if made.hosts else [],
    }
    told = {**variables, **({"CADENCE_POD": ROOT} if made.any else {})}
    named = [{"name": key, "value": value} for key, value in sorted(told.items())]
    token = {"name": _TOKEN, "valueFrom": {"secretKeyRef": {"name": name, "key": TOKEN_KEY}}}
    resources = _own(settings, request)
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
                "env": [*named, token],
                "resources": resources,
                "securityContext": {**RESTRICTED, **as_user(settings), "readOnlyRootFilesystem": True},
                "volumeMounts": [{"name": "work", "mountPath": "/tmp"}, *made.mounts],  # noqa: S108 (the pod's own)
            }
        ],
        "volumes": [
            {"name": "work", "emptyDir": {"sizeLimit": resources["limits"]["ephemeral-storage"]}},
            *made.volumes,
        ],
    }


def _wish(request: RunnerRequest) -> Mapping[str, Any]:
    """An architecture that only a worker's containers name is a wish."""
    worker = request.containers.worker
    named = sorted({each.arch for each in worker.all_containers if each.arch}) if worker else []
    if not named or request.needs.arch:
        return {}
    term = {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": named}]}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": term}]}}


def _own(settings: KubernetesSettings, request: RunnerRequest) -> Mapping[str, Any]:
    """What the agent's container gets: all, unless the command is in another one; of a worker what its containers leave."""
    needs, asked = request.needs, request.containers
    least = (settings.agent_cpu, settings.agent_memory, settings.agent_storage)
    if asked.image:
        return amounts(*least)
    wanted = (needs.cpu or settings.cpu, needs.memory or settings.memory, needs.storage or settings.storage)
    if asked.worker is None:
        return amounts(*wanted)
    others = asked.worker.all_containers
    taken = (
        sum(each.cpu or 0 for each in others),
        sum(each.memory or 0 for each in others),
        sum(each.storage or 0 for each in others),
    )
    return amounts(*(max(some, all_ - its) for some, all_, its in zip(least, wanted, taken, strict=True)))
