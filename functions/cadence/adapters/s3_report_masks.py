"""`ReportMasks` in the data bucket, where `S3Uploaded` looks them up."""

import json
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain import ids

_NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})


class S3ReportMasks:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        self._put(run_id, json.dumps(sorted(set(digests))).encode())

    def hand_on(self, asking: str, worker: str) -> None:
        try:
            known = self._client.get_object(Bucket=self._bucket, Key=_key(asking))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return
            raise
        self._put(worker, known)

    def _put(self, run_id: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=_key(run_id), Body=content)


def _key(run_id: str) -> str:
    return ids.process_key(run_id, "secrets")
