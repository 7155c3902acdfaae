"""`AlertNotifier` on SQS and Lambda.

What is due now starts at once; what is due later waits as a delayed message of the queue of events. Deliveries have no
queue of their own: polling a queue costs money while nothing happens, and Lambda keeps asynchronous calls just as well.
It retries by itself, and sends what it gives up to the queue of failed messages.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.application.alerts.ports import ChannelKey
from cadence.domain.alerts.occurrence import AlertGroup

_LONGEST_DELAY = 900


class SqsAlertNotifier:
    """Implements AlertNotifier."""

    def __init__(self, alerting_queue_url: str, deliveries_function: str) -> None:
        self._queue_url, self._function = alerting_queue_url, deliveries_function

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        body = {"kind": "deliver", "channel": list(key), "retry_at": retry_at.isoformat() if retry_at else None}
        if after > timedelta():
            self._send(body, after)
        else:
            client("lambda").invoke(
                FunctionName=self._function, InvocationType="Event", Payload=json.dumps(body).encode()
            )

    def look(self, rule: tuple[str, str, str], group: AlertGroup, at: datetime, after: timedelta) -> None:
        body = {"kind": "look", "rule": list(rule), "labels": dict(group.labels), "at": at.isoformat()}
        self._send(body, after)

    def _send(self, body: Mapping[str, Any], after: timedelta) -> None:
        """Sends a delayed message.

        A fraction of a second counts as a whole one: a message that comes too early has to wait again.
        """
        seconds = after.total_seconds()
        delay = 0 if seconds <= 0 else min(int(seconds) + 1, _LONGEST_DELAY)
        client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(body), DelaySeconds=delay)


def read_look(values: Mapping[str, Any]) -> tuple[tuple[str, str, str], AlertGroup, datetime]:
    organization, project, name = values["rule"]
    return (organization, project, name), AlertGroup(values["labels"]), datetime.fromisoformat(values["at"])


def read_delivery(values: Mapping[str, Any]) -> tuple[ChannelKey, datetime | None]:
    organization, project, name = values["channel"]
    retry_at = values["retry_at"]
    return (organization, project, name), datetime.fromisoformat(retry_at) if retry_at else None
