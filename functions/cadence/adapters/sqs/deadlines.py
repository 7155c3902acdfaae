"""`Deadlines` as delayed messages of an SQS queue."""

import json
from datetime import timedelta
from typing import Any

from cadence.adapters.aws.clients import client

LONGEST_DELAY = timedelta(seconds=900)


class SqsDeadlines:
    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    def watch_run(self, run_id: str, after: timedelta, *, admitted: bool = False) -> None:
        self._send({"run_id": run_id, **({"admitted": True} if admitted else {})}, after)

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        self._send({"runner_id": runner_id, **({"task_token": task_token} if task_token else {})}, after)

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None:
        self._send({"concurrency_limit": scope}, after)

    def watch_approval(self, run_id: str, treatment: str, after: timedelta) -> None:
        self._send({"approval": treatment, "of_run": run_id}, after)

    def watch_values(self, run_id: str, treatment: str | None, after: timedelta) -> None:
        self._send({"values_of": run_id, **({"treatment": treatment} if treatment else {})}, after)

    def watch_late_values(self, run_id: str, after: timedelta) -> None:
        self._send({"late_values_of": run_id}, after)

    def _send(self, subject: dict[str, Any], after: timedelta) -> None:
        delay = max(timedelta(), min(after, LONGEST_DELAY))
        client("sqs").send_message(
            QueueUrl=self._queue_url,
            MessageBody=json.dumps(subject),
            DelaySeconds=min(int(delay.total_seconds()) + 1, int(LONGEST_DELAY.total_seconds())),
        )
