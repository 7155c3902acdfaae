"""Records of the log stream, from a Lambda's event and from the stream itself."""

import base64
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.application.logs.rescue_records import FailedBatch, Failures
from cadence.domain.dead_letters.dead_letter import SentRecord

_log = logging.getLogger("cadence.log_stream")

_AT_ONCE = 10
# Pages without a record follow one another until a shard's end is reached.
_MOST_PAGES = 50
_GONE = frozenset({"ResourceNotFoundException", "InvalidArgumentException", "ExpiredIteratorException"})


def sent_records(records: Iterable[Mapping[str, Any]]) -> list[SentRecord]:
    """Returns the records of a Lambda's event."""
    return [
        SentRecord(
            record["kinesis"]["sequenceNumber"],
            record["kinesis"]["partitionKey"],
            base64.b64decode(record["kinesis"]["data"]),
            datetime.fromtimestamp(float(record["kinesis"]["approximateArrivalTimestamp"]), UTC),
        )
        for record in records
    ]


class FailedBatches(Failures):
    """Batches of the log stream that Lambda gave up.

    Lambda names only the records' places; the stream keeps the records for a day.
    """

    def __init__(self, queue_url: str, stream_name: str) -> None:
        self._queue_url, self._stream_name = queue_url, stream_name

    def waiting(self) -> Iterator[FailedBatch]:
        """Returns the batches whose records still exist.

        Lost records are logged as an error, and their message stays in the queue.
        """
        while True:
            messages = (
                client("sqs")
                .receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=300)
                .get("Messages", [])
            )
            if not messages:
                return
            for message in messages:
                try:
                    batch = json.loads(message["Body"])["KinesisBatchInfo"]
                    records = self._read(batch["shardId"], batch["startSequenceNumber"], batch["endSequenceNumber"])
                except (ValueError, KeyError, TypeError):
                    _log.error(
                        "a message of the log stream's failures cannot be read", extra={"id": message["MessageId"]}
                    )
                    continue
                if records:
                    yield FailedBatch(message["ReceiptHandle"], records)
                else:
                    _log.error("records of the log stream are no longer there", extra={"batch": batch})

    def done(self, batch: FailedBatch) -> None:
        client("sqs").delete_message(QueueUrl=self._queue_url, ReceiptHandle=batch.receipt)

    def _read(self, shard: str, first: str, last: str) -> list[SentRecord]:
        records: list[SentRecord] = []
        try:
            iterator = client("kinesis").get_shard_iterator(
                StreamName=self._stream_name,
                ShardId=shard,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                StartingSequenceNumber=first,
            )["ShardIterator"]
            for _ in range(_MOST_PAGES):
                page = client("kinesis").get_records(ShardIterator=iterator)
                for record in page["Records"]:
                    if int(record["SequenceNumber"]) > int(last):
                        return records
                    records.append(
                        SentRecord(
                            record["SequenceNumber"],
                            record["PartitionKey"],
                            record["Data"],
                            record["ApproximateArrivalTimestamp"].astimezone(UTC),
                        )
                    )
                    if record["SequenceNumber"] == last:
                        return records
                iterator = page.get("NextShardIterator")
                if not iterator or (not page["Records"] and not page.get("MillisBehindLatest")):
                    return records
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
        return records
