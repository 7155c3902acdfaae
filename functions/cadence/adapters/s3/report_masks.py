"""`ReportMasks` in the data bucket, where `S3Uploaded` looks them up."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from cadence.adapters.s3.buckets import found
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound


class S3ReportMasks:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        self._put(run_id, json.dumps(sorted(set(digests))).encode())

    def hand_on(self, asking: str, worker: str) -> None:
        with suppress(NotFound), found(_key(asking)):
            content = self._client.get_object(Bucket=self._bucket, Key=_key(asking))["Body"].read()
            self._put(worker, content)

    def _put(self, run_id: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=_key(run_id), Body=content)


def _key(run_id: str) -> str:
    return ids.process_key(run_id, "secrets")
