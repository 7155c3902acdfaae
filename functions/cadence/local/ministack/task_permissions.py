"""Evaluates the permissions to start and stop an ECS task on its definition and on the task, as AWS does.

MiniStack evaluates them on the cluster, and refuses what the roles of the Lambdas allow.
"""

import json
from typing import Any

from ministack.core import iam_actions

_ACTED_ON = {"RunTask": "taskDefinition", "StopTask": "task"}
_KINDS = {"RunTask": "task-definition", "StopTask": "task"}


def install() -> None:
    """Replaces the function that names the resource of a request, which MiniStack looks up for each request."""
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *place: Any, **more: Any
    ) -> str:
        acted_on = acted_on_by(headers, body, *place[-2:]) if service == "ecs" else None
        return acted_on or str(original(service, method, path, headers, body, *place, **more))

    iam_actions.extract_resource_arn = extract_resource_arn


def acted_on_by(headers: dict[str, str], body: bytes, region: str, account: str) -> str | None:
    """The ARN of what a call of ECS starts or stops; None if it does neither."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in _ACTED_ON:
        return None
    name = str(json.loads(body).get(_ACTED_ON[action], ""))
    return name if name.startswith("arn:") else f"arn:aws:ecs:{region}:{account}:{_KINDS[action]}/{name}"
