"""`StoredProcesses` in the data bucket, as `S3Parts` saved them."""

from contextlib import suppress
from typing import Any

import msgspec

from cadence.adapters.engine_reports.models import JsonModels
from cadence.adapters.s3.buckets import found
from cadence.application.melodium.capture_element import StoredProcess
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound

_MODEL, _PROGRAM = "model", "program"


class S3StoredProcesses:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, run_id: str) -> StoredProcess | None:
        stored, program = self._load(run_id, _MODEL), self._load(run_id, _PROGRAM)
        if stored is None or program is None:
            return None
        codec = JsonModels()
        model = codec.decode(stored).model
        model.program = codec.program(program)
        return StoredProcess(model, msgspec.json.decode(program))

    def _load(self, run_id: str, name: str) -> bytes | None:
        key = ids.process_key(run_id, name)
        with suppress(NotFound), found(key):
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        return None
