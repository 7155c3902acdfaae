"""Writes lines into their indices, and removes those that are too old."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import RequestError
from opensearchpy.helpers import streaming_bulk

from cadence.adapters.opensearch.conditions import Clause
from cadence.adapters.opensearch.connection import OpenSearchConnection
from cadence.adapters.opensearch.indices import BODY, MOMENT, OF_MISSING, PROJECT, Indices, documents, milliseconds
from cadence.application.logs.ports import Line
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import Segment
from cadence.domain.shared.errors import InvalidRequest, Transient

_BULK_BYTES = 8 << 20
# Seconds that a removal by query may take.
_REMOVING = 300
_LATER = 429
# No run that began in a month writes lines so long after it.
_SURELY_OVER = timedelta(days=120)


class BulkWriter:
    def __init__(self, service: OpenSearchConnection, indices: Indices, clock: Clock) -> None:
        self._service, self._indices, self._clock = service, indices, clock
        self._made: set[str] = set()

    def put(self, segments: Sequence[tuple[Segment, Sequence[Line]]]) -> Mapping[tuple[str, int], str]:
        refused: dict[tuple[str, int], str] = {}
        used: set[str] = set()
        with self._service.asked() as client:
            actions = self._actions(client, segments, refused, used)
            for accepted, answer in streaming_bulk(
                client, actions, max_chunk_bytes=_BULK_BYTES, raise_on_error=False, raise_on_exception=True
            ):
                if not accepted:
                    _note_refused(answer["index"], refused)
            if used:
                client.indices.refresh(index=",".join(sorted(used)))
        return refused

    def remove(self, organization: str, project: str, before: datetime) -> bool:
        pattern = self._indices.of_organization(organization)
        old = {"range": {MOMENT: {"lt": milliseconds(before), "format": "epoch_millis"}}}
        mine: Clause = {"term": {PROJECT: project}}
        with self._service.asked() as client:
            client.delete_by_query(
                index=pattern,
                body={"query": {"bool": {"filter": [mine, old]}}},
                params={"conflicts": "proceed", "refresh": "true", **OF_MISSING, "request_timeout": _REMOVING},
            )
            self._drop_empty(client, pattern)
            remaining = client.count(index=pattern, body={"query": mine}, params=OF_MISSING)
        return bool(remaining["count"])

    def _actions(
        self,
        client: OpenSearch,
        segments: Sequence[tuple[Segment, Sequence[Line]]],
        refused: dict[tuple[str, int], str],
        used: set[str],
    ) -> Iterator[Mapping[str, Any]]:
        for segment, lines in segments:
            try:
                index = self._index(client, segment)
                pairs = documents(segment, lines)
            except InvalidRequest as error:
                refused[segment.run_id, segment.number] = error.message
                continue
            used.add(index)
            for name, document in pairs:
                yield {"_op_type": "index", "_index": index, "_id": name, "_source": document}

    def _index(self, client: OpenSearch, segment: Segment) -> str:
        """Creates the index if it does not exist."""
        try:
            name = self._indices.of_run(segment.organization, segment.run_id)
        except ValueError as error:
            raise InvalidRequest("Its run has no valid id.") from error
        if name not in self._made:
            try:
                client.indices.create(index=name, body=dict(BODY))
            except RequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise
            self._made.add(name)
        return name

    def _drop_empty(self, client: OpenSearch, pattern: str) -> None:
        """Removes indices of months that are long over, and of which no line is left."""
        over = f"{self._clock() - _SURELY_OVER:%Y-%m}"
        listed = client.cat.indices(index=pattern, params={"format": "json", "h": "index,docs.count"})
        for one in listed:
            if one["docs.count"] == "0" and self._indices.month_of(one["index"]) < over:
                client.indices.delete(index=one["index"], params={"ignore_unavailable": "true"})
                self._made.discard(one["index"])


def _note_refused(answer: Mapping[str, Any], refused: dict[tuple[str, int], str]) -> None:
    """Notes refused lines. Raises Transient if they may be accepted later."""
    if answer["status"] == _LATER or answer["status"] >= 500:
        raise Transient("The search service is busy.")
    run_id, number, _ = answer["_id"].rsplit("-", 2)
    refused[run_id, int(number)] = f"The search service does not take it: {answer['error']['type']}."
