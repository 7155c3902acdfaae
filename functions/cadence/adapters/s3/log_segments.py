"""`LogSegments` in the data bucket: columns of lines; older segments are gzipped JSON lines."""

import gzip
import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.adapters.lines.segment_columns import is_columns, packed_columns, unpacked_columns
from cadence.application.logs.ports import Line, LogSegments
from cadence.domain.shared.errors import InvalidRequest, Transient
from cadence.domain.shared.ids import log_segment_key

# Segments never change, so those read last are remembered (bytes as stored).
_REMEMBERED = 32 * 1024 * 1024


def lines_of(stored: bytes) -> Sequence[Line]:
    """Returns the lines. Raises ValueError, EOFError, OSError or zlib.error for what is no segment."""
    if is_columns(stored):
        return unpacked_columns(stored)
    text = gzip.decompress(stored).decode("utf-8", "surrogatepass")
    return [json.loads(line) for line in text.split("\n") if line]


class S3LogSegments(LogSegments):
    """Stores and reads segments. `read_lines` is for Lambdas that read many: see `fast_line_parser`."""

    def __init__(self, bucket: str, read_lines: Callable[[bytes], Sequence[Line]] = lines_of) -> None:
        self._bucket = bucket
        self._read_lines = read_lines
        self._cached: OrderedDict[str, bytes] = OrderedDict()
        # Searches read several at a time.
        self._lock = threading.Lock()

    def write(self, run_id: str, number: int, lines: Sequence[Line]) -> str:
        data = packed_columns(lines)
        key = log_segment_key(run_id, number, hashlib.sha256(data).hexdigest())
        try:
            client("s3").put_object(Bucket=self._bucket, Key=key, Body=data)
        except (ClientError, BotoCoreError) as error:
            if may_succeed_later(error):
                raise Transient("The store of the logs accepts nothing right now.") from error
            raise
        return key

    def read(self, key: str) -> Sequence[Line]:
        stored = self._get(key)
        if stored is None:
            return []
        try:
            return self._read_lines(stored)
        except (ValueError, EOFError, zlib.error, OSError) as error:
            raise InvalidRequest(f"{key} is no segment of a log.") from error

    def _get(self, key: str) -> bytes | None:
        """Returns None once the bucket's own rule has removed the object, possibly before its manifest expires."""
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
                return self._cached[key]
        try:
            data: bytes = client("s3").get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchKey":
                return None
            if may_succeed_later(error):
                raise Transient("The store of the logs cannot be reached or is busy.") from error
            raise
        with self._lock:
            self._cached[key] = data
            while sum(map(len, self._cached.values())) > _REMEMBERED:
                self._cached.popitem(last=False)
        return data
