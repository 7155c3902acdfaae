"""What the rights to start and to stop tasks are rights on."""

import json

import pytest

from cadence.local.ministack.task_permissions import acted_on_by

ACCOUNT = "arn:aws:ecs:eu-west-3:000000000000"
TASK = f"{ACCOUNT}:task/runners/0123456789abcdef"


@pytest.mark.parametrize(
    ("action", "body", "arn"),
    [
        ("RunTask", {"cluster": "runners", "taskDefinition": "cadence-a:3"}, f"{ACCOUNT}:task-definition/cadence-a:3"),
        ("StopTask", {"cluster": "runners", "task": TASK}, TASK),
        ("ListTasks", {"cluster": "runners"}, None),
    ],
)
def test_tasks_are_started_by_their_definition(action: str, body: dict[str, str], arn: str | None) -> None:
    headers = {"x-amz-target": f"AmazonEC2ContainerServiceV20141113.{action}"}
    assert acted_on_by(headers, json.dumps(body).encode(), "eu-west-3", "000000000000") == arn
