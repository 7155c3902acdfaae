"""`LogSegments` in the data bucket, and in those of pools: columns of lines; older ones are gzipped JSON lines."""

import gzip
import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from cadence.adapters.lines.segment_columns import is_columns, packed_columns, unpacked_columns
from cadence.adapters.s3.buckets import Buckets, translated
from cadence.application.logs.ports import Line, LogSegments
from cadence.domain.shared.errors import InvalidRequest
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
    """Stores and reads segments. `read_lines` is for Lambdas that read many: see `fast_line_parser`.

    `value_buckets` are those of pools, as the setting has them.
    """

    def __init__(
        self, bucket: str, read_lines: Callable[[bytes], Sequence[Line]] = lines_of, *, value_buckets: str = ""
    ) -> None:
        self._buckets = Buckets.of(bucket, value_buckets)
        self._read_lines = read_lines
        self._cached: OrderedDict[str, bytes] = OrderedDict()
        # Searches read several at a time.
        self._lock = threading.Lock()

    def write(self, run_id: str, number: int, lines: Sequence[Line], bucket: str | None = None) -> str:
        data = packed_columns(lines)
        address = log_segment_key(run_id, number, hashlib.sha256(data).hexdigest(), bucket)
        s3, name, key = self._buckets.find(address)
        with translated(address, "The store of the logs accepts nothing right now."):
            s3.put_object(Bucket=name, Key=key, Body=data)
        return address

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
        s3, bucket, name = self._buckets.find(key)
        try:
            with translated(key, "The store of the logs cannot be reached or is busy."):
                data: bytes = s3.get_object(Bucket=bucket, Key=name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        with self._lock:
            self._cached[key] = data
            while sum(map(len, self._cached.values())) > _REMEMBERED:
                self._cached.popitem(last=False)
        return data
