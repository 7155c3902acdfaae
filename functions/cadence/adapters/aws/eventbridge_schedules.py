"""`Schedules` on EventBridge Scheduler, which puts a message into the queue of deliveries at each firing."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.application.triggers.run_scheduled import Firing
from cadence.domain.shared.errors import Transient
from cadence.domain.triggers.cron import eventbridge_expressions, read_cron
from cadence.domain.triggers.triggers import Schedule

# Longer than storing a pipeline takes from here to its end.
_SETTLING = timedelta(seconds=60)
# A cron expression becomes at most two of EventBridge's.
_PARTS = 2
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_LONGEST_DELAY = 3_600


class EventBridgeSchedules:
    """Keeps one group of schedules, with a role that may send to the queue and to the queue of failed messages."""

    def __init__(self, group: str, role_arn: str, queue_arn: str, failed_queue_arn: str) -> None:
        self._group, self._role_arn = group, role_arn
        self._queue_arn, self._failed_queue_arn = queue_arn, failed_queue_arn

    def keep(self, organization: str, project: str, pipeline: str, entry: Schedule) -> None:
        firing = {
            "schedule": [organization, project, pipeline, entry.digest],
            "scheduled_at": _SCHEDULED_TIME,
        }
        for part, expression in enumerate(eventbridge_expressions(read_cron(entry.cron))):
            _call(
                "create_schedule",
                {"ConflictException"},
                Name=_name(organization, project, pipeline, entry.digest, part),
                GroupName=self._group,
                Description=f"{organization}/{project}/{pipeline}"[:512],
                ScheduleExpression=expression,
                ScheduleExpressionTimezone=entry.timezone,
                StartDate=datetime.now(UTC) + _SETTLING,
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={
                    "Arn": self._queue_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps(firing),
                    "DeadLetterConfig": {"Arn": self._failed_queue_arn},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": _LONGEST_DELAY, "MaximumRetryAttempts": 185},
                },
            )

    def remove(self, organization: str, project: str, pipeline: str, digest: str) -> None:
        for part in range(_PARTS):
            name = _name(organization, project, pipeline, digest, part)
            _call("delete_schedule", {"ResourceNotFoundException"}, Name=name, GroupName=self._group)


def read_firing(message: dict[str, Any]) -> Firing:
    """Returns the firing that a message of `keep`'s schedules describes."""
    organization, project, pipeline, digest = message["schedule"]
    at = datetime.fromisoformat(message["scheduled_at"])
    return Firing(
        organization=organization,
        project=project,
        pipeline=pipeline,
        digest=digest,
        scheduled_at=at if at.tzinfo else at.replace(tzinfo=UTC),
    )


def _name(organization: str, project: str, pipeline: str, digest: str, part: int) -> str:
    owner = hashlib.sha256(f"{organization}/{project}/{pipeline}".encode()).hexdigest()[:20]
    return f"{owner}-{digest}-{part}"


def _call(operation: str, harmless: set[str], **arguments: Any) -> None:
    try:
        getattr(client("scheduler"), operation)(**arguments)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in harmless:
            return
        if may_succeed_later(error):
            raise Transient("the scheduler is busy") from error
        raise
