"""`WakeUps` as messages of an SQS queue."""

import json

from cadence.adapters.aws.clients import client


class SqsWakeUps:
    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    def wake(self, run_id: str, group: str, *, failed: bool = False) -> None:
        body = json.dumps({"run_id": run_id, "group": group, "failed": failed})
        client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=body)
