"""`Chunks` in the data bucket."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from cadence.application.provenance_ports import StoredChunk
from cadence.domain.errors import NotFound

_AHEAD = 8
_NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})


class S3Chunks:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str, offset: int, length: int) -> bytes:
        wanted = f"bytes={offset}-{offset + length - 1}"
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"].read()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"InvalidRange", "416"}:
                return b""
            raise _told(error, key) from error
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
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return False
            raise
        return True

    def sizes(self, prefix: str) -> Iterator[int]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        expected = 0
        for page in pages:
            for item in page.get("Contents", ()):
                if item["Key"] != f"{prefix}{expected:012}":
                    return  # several chunks are uploaded at a time, so a later one may be there before this one
                yield item["Size"]
                expected += 1

    def chunk_times(self, prefix: str, limit: int) -> Sequence[StoredChunk]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"MaxItems": limit}
        )
        return [
            StoredChunk(found["Size"], found["LastModified"]) for page in pages for found in page.get("Contents", ())
        ]

    def _read(self, key: str) -> bytes:
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _told(error, key) from error
        return content


def _told(error: ClientError, key: str) -> Exception:
    if error.response["Error"]["Code"] in _NOT_THERE:
        return NotFound(f"{key} is not kept (any more)")
    return error
