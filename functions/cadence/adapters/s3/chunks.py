"""`Chunks` in the data bucket and in those of pools that keep values elsewhere."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import ClientError

from cadence.adapters.s3.buckets import Buckets, found
from cadence.application.provenance.ports import StoredChunk
from cadence.domain.shared.errors import NotFound

_AHEAD = 8


class S3Chunks:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def read(self, key: str, offset: int, length: int) -> bytes:
        s3, bucket, name = self._buckets.find(key)
        byte_range = f"bytes={offset}-{offset + length - 1}"
        try:
            with found(key):
                content: bytes = s3.get_object(Bucket=bucket, Key=name, Range=byte_range)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"InvalidRange", "416"}:
                return b""
            raise
        return content

    def read_whole(self, keys: Sequence[str]) -> Iterator[bytes]:
        waiting: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(_AHEAD) as pool:
            for key in keys:
                waiting.append(pool.submit(self._read, key))
                if len(waiting) == _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def write(self, key: str, content: bytes) -> None:
        s3, bucket, name = self._buckets.find(key)
        s3.put_object(Bucket=bucket, Key=name, Body=content)

    def exists(self, key: str) -> bool:
        try:
            s3, bucket, name = self._buckets.find(key)
            with found(key):
                s3.head_object(Bucket=bucket, Key=name)
        except NotFound:
            return False
        return True

    def sizes(self, prefix: str) -> Iterator[int]:
        s3, bucket, name = self._buckets.find(prefix)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name)
        expected = 0
        for page in pages:
            for item in page.get("Contents", ()):
                if item["Key"] != f"{name}{expected:012}":
                    return  # Several chunks are uploaded at a time, so a later one may be there before this one.
                yield item["Size"]
                expected += 1

    def chunk_times(self, prefix: str, limit: int) -> Sequence[StoredChunk]:
        s3, bucket, name = self._buckets.find(prefix)
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=name, PaginationConfig={"MaxItems": limit}
        )
        return [StoredChunk(one["Size"], one["LastModified"]) for page in pages for one in page.get("Contents", ())]

    def _read(self, key: str) -> bytes:
        s3, bucket, name = self._buckets.find(key)
        with found(key):
            content: bytes = s3.get_object(Bucket=bucket, Key=name)["Body"].read()
        return content
