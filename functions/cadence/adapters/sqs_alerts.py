"""`Bells` as messages of SQS queues: looks go to the queue of events, deliveries to one of their own."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cadence.adapters.aws import client
from cadence.application.alerting.ports import ChannelKey
from cadence.domain.alerting.occurrence import Group

_LONGEST_DELAY = 900


class SqsBells:
    def __init__(self, alerting_queue_url: str, deliveries_queue_url: str) -> None:
        self._alerting, self._deliveries = alerting_queue_url, deliveries_queue_url

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        body = {"channel": list(key), "retry_at": retry_at.isoformat() if retry_at else None}
        _send(self._deliveries, body, after)

    def look(self, rule: tuple[str, str, str], group: Group, at: datetime, after: timedelta) -> None:
        body = {"kind": "look", "rule": list(rule), "labels": dict(group.labels), "at": at.isoformat()}
        _send(self._alerting, body, after)


def read_look(values: Mapping[str, Any]) -> tuple[tuple[str, str, str], Group, datetime]:
    organization, project, name = values["rule"]
    return (organization, project, name), Group(values["labels"]), datetime.fromisoformat(values["at"])


def read_delivery(body: str) -> tuple[ChannelKey, datetime | None]:
    values = json.loads(body)
    organization, project, name = values["channel"]
    retry_at = values["retry_at"]
    return (organization, project, name), datetime.fromisoformat(retry_at) if retry_at else None


def _send(queue_url: str, body: Mapping[str, Any], after: timedelta) -> None:
    """A fraction of a second counts as a whole one: what comes too early has to wait again."""
    seconds = after.total_seconds()
    delay = 0 if seconds <= 0 else min(int(seconds) + 1, _LONGEST_DELAY)
    client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(body), DelaySeconds=delay)
