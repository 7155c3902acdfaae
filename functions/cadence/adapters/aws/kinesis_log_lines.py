"""`LogSink` on the Kinesis stream of log lines. All lines of a run go to one shard, in order.

Lines that are kept in the bucket of a pool go there, and only their address into the stream.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.adapters.lines.log_records import encode_block, split
from cadence.application.logs.ports import LogBatch, LogSink, SentBlock
from cadence.domain.shared.errors import Transient

_ATTEMPTS = 4
# At most 5 MiB in one request, and records are below 1 MiB.
_RECORDS_PER_REQUEST = 5
_NOT_THERE = frozenset({"ResourceNotFoundException", "ResourceInUseException"})
_RETRY_WHEN_PARKED = 5.0  # seconds


class KinesisLogLines(LogSink):
    def __init__(self, stream_name: str, store: Callable[[LogBatch | SentBlock, bytes], bytes]) -> None:
        """`store` puts encoded lines into the bucket of their pool and returns the record that refers to them."""
        self._stream_name, self._store = stream_name, store

    def put(self, batch: LogBatch) -> int:
        parts = list(split(batch))
        if batch.bucket is not None:
            parts = [(part, self._store(part, data)) for part, data in parts]
        records = [{"Data": data, "PartitionKey": batch.run_id} for _, data in parts]
        accepted = self._put_in_order(records)
        if accepted == 0:
            raise _busy()
        return parts[accepted - 1][0].lines[-1].seq

    def put_block(self, sent: SentBlock) -> None:
        data = encode_block(sent)
        if sent.bucket is not None:
            data = self._store(sent, data)
        if not self._put_in_order([{"Data": data, "PartitionKey": sent.run_id}]):
            raise _busy()

    def _put_in_order(self, records: Sequence[dict[str, Any]]) -> int:
        """Returns how many records, from the first on, were accepted.

        What follows a refused one is sent again: order matters.
        """
        count = 0
        for attempt in range(_ATTEMPTS):
            while count < len(records):
                sent = records[count : count + _RECORDS_PER_REQUEST]
                accepted = self._accepted(sent)
                count += accepted
                if accepted < len(sent):
                    break
            if count == len(records):
                break
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        return count

    def _accepted(self, records: Sequence[dict[str, Any]]) -> int:
        try:
            answer = client("kinesis").put_records(StreamName=self._stream_name, Records=list(records))
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                raise Transient("The log stream is being brought back.", retry_after=_RETRY_WHEN_PARKED) from error
            raise
        refused = [index for index, result in enumerate(answer["Records"]) if result.get("ErrorCode")]
        return refused[0] if refused else len(records)


def _busy() -> Transient:
    return Transient("The log stream accepts no lines right now. Send them again later.", retry_after=1.0)
