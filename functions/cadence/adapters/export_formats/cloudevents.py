"""CloudEvents 1.0 in JSON batches over HTTP, for records of the audit log."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cadence.adapters.export_formats.bodies import chunks
from cadence.application.exports.ports import LogRecord
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import Export, StoredRequest
from cadence.domain.metrics.model import Metric

_BATCH = "application/cloudevents-batch+json; charset=utf-8"
_MOST_EVENTS = 200
# A record has 2 kB at most.
_MOST_BYTES = 256 * 1024
_RECORD_SIZE = 1_000


class CloudEvents:
    """One event for each record: `data` is the record as it was chained, so that a receiver can verify it.

    `source` and `id` together name a record, also when it is sent again.
    """

    cumulative = True

    def address(self, export: Export, path: str) -> str:
        return export.url

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]:
        return ()

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]:
        return ()

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        return ()

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        for part in chunks(records, _MOST_EVENTS, _MOST_BYTES, lambda record: _RECORD_SIZE + len(record["target"])):
            body = json.dumps([_event(export, record) for record in part], ensure_ascii=False, separators=(",", ":"))
            yield StoredRequest(path="", content_type=_BATCH, body=body.encode("utf-8", "replace"))


def _event(export: Export, record: ChainRecord) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": f"dev.cadence.audit.{record['kind']}",
        "source": f"{export.origin}/v1/audit/{record['organization']}",
        "id": str(record["sequence"]),
        "time": record["at"],
        "subject": record["target"],
        "datacontenttype": "application/json",
        "data": record,
    }
