"""What moto lacks of ECS: an idempotent `RunTask`, no room, quotas, and tasks that take their time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecs.models import ecs_backends

from tests.doubles.aws import Aws, Call, error
from tests.fakes.answering import Reply

REGION = "eu-west-3"


@dataclass
class Ecs:
    """`refuses` says for a capacity provider why nothing is started: a failure's reason, or an error's code and
    message.
    """

    aws: Aws
    refuses: Callable[[str], str | tuple[str, str] | None] = lambda _: None
    runs: dict[str, tuple[Mapping[str, Any], Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws.before += [self.register, self.run_task]

    def register(self, call: Call, forward: Callable[[], Reply]) -> Reply | None:
        """moto fails at containers that leave their memory to the task."""
        if (call.service, call.action) != ("ecs", "RegisterTaskDefinition"):
            return None
        reply = forward()
        for each in backend().task_definitions[call.params["family"]].values():
            for container in each.container_definitions:
                container.setdefault("memory", 512)
        return reply

    def run_task(self, call: Call, forward: Callable[[], Reply]) -> Reply | None:
        if (call.service, call.action) != ("ecs", "RunTask"):
            return None
        token = call.params["clientToken"]
        if token in self.runs:
            params, reply = self.runs[token]
            return reply if params == call.params else error(call, 400, "ConflictException", "other parameters")
        refused = self.refuses(call.params["capacityProviderStrategy"][0]["capacityProvider"])
        if isinstance(refused, tuple):
            return error(call, 400, *refused)
        if refused:
            body = json.dumps({"tasks": [], "failures": [{"arn": "", "reason": refused}]})
            reply = Reply(200, body, {"content-type": "application/x-amz-json-1.1"})
        else:
            reply = forward()
        if reply.status == 200:
            self.runs[token] = (call.params, reply)
        return reply


def backend() -> Any:
    """What moto keeps, without the JSON around it."""
    return ecs_backends[DEFAULT_ACCOUNT_ID][REGION]
