"""`Chunks` in the data bucket and in those of pools that keep values elsewhere."""

import base64
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import ClientError

from cadence.adapters.s3.buckets import Buckets, found
from cadence.application.provenance.ports import StoredChunk
from cadence.application.shared.value_ports import StoredObject
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
                number = item["Key"].removeprefix(name)
                if not number.isdecimal() or int(number) != expected:
                    return  # Several chunks are uploaded at a time, so a later one may be there before this one.
                yield item["Size"]
                expected += 1

    def stored(self, keys: Sequence[str]) -> Sequence[StoredObject | None]:
        """Returns what the store has under each key, None where there is nothing. The keys are of one bucket."""
        if not keys:
            return ()
        s3, bucket, _ = self._buckets.find(keys[0])  # before threads: it creates the client

        def look(key: str) -> StoredObject | None:
            try:
                with found(key):
                    name = self._buckets.find(key)[2]
                    answer = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
            except NotFound:
                return None
            digest = answer.get("ChecksumSHA256")
            return StoredObject(answer["ContentLength"], base64.b64decode(digest).hex() if digest else None)

        if len(keys) == 1:
            return (look(keys[0]),)
        with ThreadPoolExecutor(min(_AHEAD, len(keys))) as pool:
            return list(pool.map(look, keys))

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
