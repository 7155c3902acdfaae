"""`SentLines`: records of the log stream, whose lines are in the bucket of a pool until they are written."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from botocore.exceptions import ClientError

from cadence.adapters.lines.log_records import address_of, decode, reference
from cadence.adapters.s3.buckets import Buckets, translated
from cadence.application.logs.ports import LogBatch, SentBlock, SentLines
from cadence.domain.shared.errors import NotFound, Transient
from cadence.domain.shared.ids import bucket_and_key, sent_lines_key

_RETRY_WHEN_REFUSED = 5.0  # seconds


class S3SentLines(SentLines):
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def store(self, batch: LogBatch | SentBlock, encoded: bytes) -> bytes:
        """Stores an encoded batch or block in its bucket and returns the record that refers to it.

        Repeating it changes nothing. Raises Transient, also if the bucket refuses: then the lines stay with the agent.
        """
        assert batch.bucket is not None, "lines of other pools are in their record"
        digest = hashlib.sha256(encoded).hexdigest()
        address = sent_lines_key(batch.run_id, batch.runner_id, digest, batch.bucket)
        try:
            s3, bucket, key = self._buckets.find(address)
            with translated(address, _busy(bucket)):
                s3.put_object(Bucket=bucket, Key=key, Body=encoded)
        except NotFound as error:
            raise Transient(error.message, retry_after=_RETRY_WHEN_REFUSED) from error
        return reference(address)

    def read(self, content: bytes) -> LogBatch | None:
        address = address_of(content)
        if address is None:
            return decode(content)
        s3, bucket, key = self._buckets.find(address)
        try:
            with translated(address, _busy(bucket)):
                stored: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return replace(decode(stored), bucket=bucket_and_key(address)[0])

    def remove(self, contents: Iterable[bytes]) -> None:
        for address in filter(None, map(address_of, contents)):
            # Where the bucket refuses, which is logged, its own rule removes the object: the lines are written.
            with suppress(NotFound):
                s3, bucket, key = self._buckets.find(address)
                with translated(address, _busy(bucket)):
                    s3.delete_object(Bucket=bucket, Key=key)


def _busy(bucket: str) -> str:
    return f"The bucket {bucket} cannot be reached or is busy."
