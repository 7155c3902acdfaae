"""`Events` as messages of SQS queues, one for each audience."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cadence.adapters.aws.clients import client
from cadence.application.shared.event_ports import Events
from cadence.domain.exports.event import Audience, Event
from cadence.domain.shared.errors import Transient

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# The limit of one call. An event has a few KB at most, so that ten stay below the size that a call may have.
_AT_ONCE = 10


class SqsEvents(Events):
    def __init__(self, queue_urls: Mapping[Audience, str]) -> None:
        self._queue_urls = queue_urls

    def tell(self, audience: Audience, events: Sequence[Event]) -> None:
        for start in range(0, len(events), _AT_ONCE):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": json.dumps(event, ensure_ascii=False)}
                for number, event in enumerate(events[start : start + _AT_ONCE])
            ]
            answer = client("sqs").send_message_batch(QueueUrl=self._queue_urls[audience], Entries=entries)
            if answer.get("Failed"):
                reasons = sorted({failed["Code"] for failed in answer["Failed"]})
                raise Transient(f"{len(answer['Failed'])} events were not taken by the queue: {', '.join(reasons)}")
