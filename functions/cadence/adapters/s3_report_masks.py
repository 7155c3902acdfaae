"""`ReportMasks` in the data bucket, where `S3Uploaded` looks them up."""

import json
from collections.abc import Iterable
from typing import Any

from cadence.domain import ids


class S3ReportMasks:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        content = json.dumps(sorted(set(digests))).encode()
        self._client.put_object(Bucket=self._bucket, Key=ids.process_key(run_id, "secrets"), Body=content)
