"""`StoredProcesses` in the data bucket, as `S3Parts` saved them."""

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from cadence.adapters.engine_reports.models import JsonModels
from cadence.application.melodium.capture_element import StoredProcess
from cadence.domain import ids

_NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})
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
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=ids.process_key(run_id, name))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise
        return bytes(found)
