"""`ExportWork` on the queue `exporting`: messages of the Lambda `exports` to itself, beside the events."""

import json
import math
from datetime import datetime, timedelta
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.domain.exports.export import Backfill, Export

# The longest delay that SQS allows.
_LONGEST = 900


class SqsExportWork:
    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    def drain(self, export: Export, after: timedelta) -> None:
        self._send({"work": "drain", "organization": export.organization, "export": export.name}, after)

    def push(self, export: Export, due: datetime, after: timedelta) -> None:
        body = {"work": "push", "organization": export.organization, "export": export.name, "due": due.isoformat()}
        self._send(body, after)

    def backfill(self, backfill: Backfill, after: timedelta) -> None:
        body = {"work": "backfill", "organization": backfill.organization, "export": backfill.export}
        self._send({**body, "backfill": backfill.backfill_id}, after)

    def _send(self, body: dict[str, Any], after: timedelta) -> None:
        # Rounded up: a message that comes a moment too early would have to wait again.
        delay = min(_LONGEST, max(0, math.ceil(after.total_seconds())))
        client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(body), DelaySeconds=delay)
