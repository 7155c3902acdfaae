"""The job of one runner, and the secret that holds its one-time token until the job is gone."""

from collections.abc import Mapping
from typing import Any

from cadence.providers.contract import RunnerRequest
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import Owner, host_name

CONTAINER = "runner"
_GRACE = 600  # seconds beyond what a runner may take, by which the cluster ends it by itself
_TOKEN = "CADENCE_RUNNER_TOKEN"  # noqa: S105 (a variable's name)


def labels(owner: Owner, request: RunnerRequest) -> Mapping[str, str]:
    """What jobs are found by. Their values have to be short words; what need not be is in annotations."""
    return {"app.kubernetes.io/managed-by": "cadence", "cadence-owner": owner.key, "cadence-runner": request.runner_id}


def job(
    settings: KubernetesSettings, owner: Owner, request: RunnerRequest, variables: Mapping[str, str]
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
                "spec": _pod(settings, request, variables, name),
            },
        },
    }


def secret(request: RunnerRequest, job: Mapping[str, Any], token: str) -> Mapping[str, Any]:
    """Belongs to the job, and goes with it."""
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
        "stringData": {"token": token},
    }


def _pod(
    settings: KubernetesSettings, request: RunnerRequest, variables: Mapping[str, str], name: str
) -> Mapping[str, Any]:
    needs = request.needs
    resources = {
        "cpu": f"{needs.cpu or settings.cpu}m",
        "memory": f"{needs.memory or settings.memory}M",
        "ephemeral-storage": f"{needs.storage or settings.storage}M",
    }
    arch = needs.arch or settings.arch
    # What the settings leave out is left out here.
    chosen: dict[str, Any] = {
        "nodeSelector": {**settings.node_selector, **({"kubernetes.io/arch": arch} if arch else {})},
        "tolerations": [dict(each) for each in settings.tolerations],
        "imagePullSecrets": [{"name": each} for each in settings.image_pull_secrets],
        "priorityClassName": settings.priority_class,
        "runtimeClassName": settings.runtime_class,
    }
    told = [{"name": key, "value": value} for key, value in sorted(variables.items())]
    token = {"name": _TOKEN, "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}}
    return {
        **{key: value for key, value in chosen.items() if value},
        "restartPolicy": "Never",
        "serviceAccountName": settings.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": settings.user,
            "runAsGroup": settings.user,
            "fsGroup": settings.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": settings.image,
                "env": [*told, token],
                "resources": {"requests": resources, "limits": resources},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "work", "mountPath": "/tmp"}],  # noqa: S108 (the pod's own)
            }
        ],
        "volumes": [{"name": "work", "emptyDir": {"sizeLimit": resources["ephemeral-storage"]}}],
    }
