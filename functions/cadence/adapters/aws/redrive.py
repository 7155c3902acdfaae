"""`Redrive`: invokes the Lambdas that write and index lines, without waiting for them."""

import json
from collections.abc import Sequence
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.application.dead_letters.ports import Redrive


class LambdaRedrive(Redrive):
    def __init__(self, log_indexer: str, search_index: str) -> None:
        self._log_indexer, self._search_index = log_indexer, search_index

    def index_segments(self, organization: str, project: str, segments: Sequence[tuple[str, int]]) -> None:
        pairs = [list(segment) for segment in segments]
        self._invoke(self._search_index, {"organization": organization, "project": project, "segments": pairs})

    def write_records(self, organization: str, numbers: Sequence[str]) -> None:
        self._invoke(self._log_indexer, {"organization": organization, "records": list(numbers)})

    def _invoke(self, function: str, request: dict[str, Any]) -> None:
        payload = json.dumps({"redrive": request}).encode()
        client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)
