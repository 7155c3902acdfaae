"""`WorkNotification`: one SQS queue per pool, created at its first use.

Messages are not deleted. Each is received once (it stays hidden as long as it is kept) and is gone after a minute.
"""

import hashlib

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.adapters.s3.presigned import LIFETIME, signed_queue_url
from cadence.application.shared.runner_ports import WorkNotification, WorkNotificationUrl

WAIT_SECONDS = 20
_KEPT_SECONDS = "60"
_LISTEN = (
    "Action=ReceiveMessage&MaxNumberOfMessages=10&Version=2012-11-05"
    f"&VisibilityTimeout={_KEPT_SECONDS}&WaitTimeSeconds={WAIT_SECONDS}"
)
_MISSING = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})


class SqsWorkNotification(WorkNotification):
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._urls: dict[str, str] = {}

    def ring(self, organization: str, pool: str, runner_id: str | None = None) -> None:
        message = "work" if runner_id is None else f"runner:{runner_id}"
        try:
            self._ring(organization, pool, message)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            # Removed since this process used it: created again.
            self._urls.clear()
            self._ring(organization, pool, message)

    def listen(self, organization: str, pool: str) -> WorkNotificationUrl:
        return WorkNotificationUrl(
            signed_queue_url(self._queue_url(organization, pool), _LISTEN, LIFETIME), WAIT_SECONDS
        )

    def _ring(self, organization: str, pool: str, message: str) -> None:
        client("sqs").send_message(QueueUrl=self._queue_url(organization, pool), MessageBody=message)

    def _queue_url(self, organization: str, pool: str) -> str:
        name = queue_name(self._prefix, organization, pool)
        if name not in self._urls:
            # Creating a queue that exists, with the same attributes, returns its URL.
            created = client("sqs").create_queue(
                QueueName=name,
                Attributes={
                    "MessageRetentionPeriod": _KEPT_SECONDS,
                    "VisibilityTimeout": _KEPT_SECONDS,
                    "ReceiveMessageWaitTimeSeconds": str(WAIT_SECONDS),
                    "SqsManagedSseEnabled": "true",
                },
            )
            self._urls[name] = created["QueueUrl"]
        return self._urls[name]


def queue_name(prefix: str, organization: str, pool: str) -> str:
    return prefix + hashlib.sha256(f"{organization}/{pool}".encode()).hexdigest()[:12]
