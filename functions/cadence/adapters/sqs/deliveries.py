"""`DeliveryQueue` and `EndedRuns` on SQS.

Bodies too large for a message lie in the data bucket, under `deliveries/`.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.application.triggers.ports import Delivery

# SQS accepts 256 KiB a message; base64 and the rest of the message need their share.
_LARGEST_IN_MESSAGE = 150_000


class SqsDeliveryQueue:
    def __init__(self, queue_url: str, bucket: str) -> None:
        self._queue_url = queue_url
        self._bucket = bucket

    def put(self, delivery: Delivery) -> None:
        message: dict[str, Any] = {
            "githost": delivery.githost_id,
            "delivery": delivery.delivery_id,
            "event": delivery.event,
            "content_type": delivery.content_type,
        }
        if len(delivery.body) <= _LARGEST_IN_MESSAGE:
            message["body"] = base64.b64encode(delivery.body).decode()
        else:
            message["body_key"] = f"deliveries/{hashlib.sha256(delivery.body).hexdigest()}"
            client("s3").put_object(Bucket=self._bucket, Key=message["body_key"], Body=delivery.body)
        client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))

    def put_ended(self, run_id: str) -> None:
        client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=json.dumps({"ended": run_id}))


def read_delivery(values: Mapping[str, Any], bucket: str) -> Delivery:
    """Returns the delivery that a message of `put`'s holds."""
    if "body_key" in values:
        body = client("s3").get_object(Bucket=bucket, Key=values["body_key"])["Body"].read()
    else:
        body = base64.b64decode(values["body"])
    return Delivery(
        githost_id=values["githost"],
        delivery_id=values["delivery"],
        event=values["event"],
        content_type=values["content_type"],
        body=body,
    )
