"""Tasks of ECS: their definition, the request for one, and the state that ECS reports."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cadence.domain.shared.errors import CapacityExhausted, NotFound, ProviderRejected
from cadence.providers.aws import tag_map
from cadence.providers.aws_fargate.settings import FargateSettings
from cadence.providers.choices import Choice
from cadence.providers.contract import Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, as_seconds, from_seconds

CONTAINER = "runner"
_TAG = re.compile(r"[^\w .:/=+@-]")
_UNITS = 1024 / 1000  # of CPU, to a millicore
_SMALLEST_STORAGE = 21  # GiB that may be requested; 20 are included
_CONDITIONS = {
    "PROVISIONING": MachineCondition.STARTING,
    "PENDING": MachineCondition.STARTING,
    "ACTIVATING": MachineCondition.STARTING,
    "RUNNING": MachineCondition.RUNNING,
    "DEACTIVATING": MachineCondition.STOPPING,
    "STOPPING": MachineCondition.STOPPING,
    "DEPROVISIONING": MachineCondition.STOPPING,
}


def definition(settings: FargateSettings, owner: MachineOwner) -> Mapping[str, Any]:
    """Returns the definition as it is registered, under a name made from its content.

    CPU, memory and the environment of a runner are part of each task.
    """
    container: dict[str, Any] = {"name": CONTAINER, "image": settings.image, "essential": True}
    if settings.log_group:
        container["logConfiguration"] = {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": settings.log_group,
                "awslogs-region": settings.region,
                "awslogs-stream-prefix": "cadence",
            },
        }
    roles = {"executionRoleArn": settings.execution_role, "taskRoleArn": settings.task_role}
    content: dict[str, Any] = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "runtimePlatform": {
            "operatingSystemFamily": "LINUX",
            "cpuArchitecture": "ARM64" if settings.arch == "arm64" else "X86_64",
        },
        "containerDefinitions": [container],
        **{name: role for name, role in roles.items() if role},
    }
    whole = json.dumps([owner.key, content], sort_keys=True)
    return {"family": f"cadence-{hashlib.sha256(whole.encode()).hexdigest()[:32]}", **content}


def task(
    settings: FargateSettings, owner: MachineOwner, choice: Choice, request: RunnerRequest, variables: Mapping[str, str]
) -> Mapping[str, Any]:
    """Returns the parameters of `RunTask` for one runner."""
    own = {_TAG.sub("-", name): _TAG.sub("-", value) for name, value in settings.tags.items()}
    tags = {**own, **owner.tags(request)}
    overrides: dict[str, Any] = {
        "cpu": str(round((choice.cpu or 0) * _UNITS)),
        "memory": str(choice.memory),
        "containerOverrides": [
            {"name": CONTAINER, "environment": [{"name": name, "value": value} for name, value in variables.items()]}
        ],
    }
    if settings.storage_gb >= _SMALLEST_STORAGE:
        overrides["ephemeralStorage"] = {"sizeInGiB": settings.storage_gb}
    return {
        "cluster": settings.cluster,
        "taskDefinition": definition(settings, owner)["family"],
        "clientToken": client_token(request, choice),
        "startedBy": request.runner_id,
        "count": 1,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT" if choice.spot else "FARGATE", "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": list(settings.subnets),
                "securityGroups": list(settings.security_groups),
                "assignPublicIp": "ENABLED" if settings.public_ip else "DISABLED",
            }
        },
        "overrides": overrides,
        "tags": [{"key": name, "value": value} for name, value in tags.items()],
    }


def client_token(request: RunnerRequest, choice: Choice) -> str:
    """Returns a token that is the same in each repetition of a request.

    It differs once the runner is requested anew.
    """
    begun = as_seconds(request.expires_at) if request.expires_at else ""
    return hashlib.sha256(f"{request.runner_id}\n{begun}\n{choice.label}".encode()).hexdigest()


def started(answer: Mapping[str, Any], label: str, hidden: Hidden) -> str:
    """Returns the task's ARN.

    Raises CapacityExhausted, or ProviderRejected if a named resource does not exist.
    """
    if answer.get("tasks"):
        return str(answer["tasks"][0]["taskArn"])
    failures = answer.get("failures", ())
    reasons = "; ".join(
        dict.fromkeys(f"{failure.get('reason', '')} {failure.get('detail', '')}".strip() for failure in failures)
    )
    message = hidden.cut(f"Fargate, {label}: {reasons or 'no task, and no reason given'}")
    if any(failure.get("reason") in {"MISSING", "INACTIVE"} for failure in failures):
        raise ProviderRejected(message)
    raise CapacityExhausted(message)


def machine(task: Mapping[str, Any], settings: FargateSettings) -> Machine:
    """Returns the task as a machine."""
    tags = tag_map(task.get("tags", ()))
    spot = task.get("capacityProviderName") == "FARGATE_SPOT"
    condition = _CONDITIONS.get(task.get("lastStatus", ""), MachineCondition.GONE)
    if task.get("desiredStatus") == "STOPPED" and condition is not MachineCondition.GONE:
        condition = MachineCondition.STOPPING
    created: datetime | None = task.get("createdAt")
    size = f"{int(task.get('cpu', 0)) / 1024:g} vCPU, {task.get('memory', '?')} MB"
    return Machine(
        ref=task["taskArn"],
        runner_id=tags.get("cadence-runner", task.get("startedBy", "")),
        condition=condition,
        created_at=created,
        expires_at=from_seconds(tags.get("cadence-expires")),
        offer=f"{size} {'spot' if spot else 'on-demand'} in {task.get('availabilityZone', settings.region)}",
        price_per_hour=next(
            (choice.price_per_hour for choice in settings.sizes if choice.type == size and choice.spot == spot), None
        ),
        reason=_reason(task),
    )


def is_ours(task: Mapping[str, Any], owner: MachineOwner) -> bool:
    """Returns whether the task belongs to this pool."""
    return tag_map(task.get("tags", ())).get("cadence-owner") == owner.key


def is_missing(error: Exception) -> bool:
    """Returns whether the task does not exist any more: ECS has no error of its own for that."""
    return isinstance(error, NotFound) or "task was not found" in str(error)


def _reason(task: Mapping[str, Any]) -> str | None:
    reasons = [task.get("stoppedReason"), *(container.get("reason") for container in task.get("containers", ()))]
    return "; ".join(dict.fromkeys(text for text in reasons if text)) or None
