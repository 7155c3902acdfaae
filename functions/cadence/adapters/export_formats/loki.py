"""Loki's push API, as JSON.

Attributes with many values (runs, runners, instances) are structured metadata, not labels.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cadence.adapters.export_formats.bodies import chunks, json_request, line_size, nanoseconds
from cadence.application.exports.ports import LogRecord
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import Export, StoredRequest
from cadence.domain.metrics.counting import group_name
from cadence.domain.metrics.model import Metric

_MOST_LINES = 1_000
_MOST_BYTES = 1_000_000


class Loki:
    cumulative = True

    def address(self, export: Export, path: str) -> str:
        return export.url

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]:
        for part in chunks(records, _MOST_LINES, _MOST_BYTES, line_size):
            streams: dict[tuple[tuple[str, str], ...], list[list[Any]]] = defaultdict(list)
            for record in part:
                labels = {**export.labels, **_labels(record)}
                streams[tuple(sorted(labels.items()))].append(
                    [str(nanoseconds(record)), record.line["text"], _metadata(record)]
                )
            body = {"streams": [{"stream": dict(labels), "values": values} for labels, values in streams.items()]}
            yield json_request("", body)

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]:
        return ()

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        return ()

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        return ()


def _labels(record: LogRecord) -> dict[str, str]:
    return {
        "service_name": record.pipeline,
        "organization": record.organization,
        "project": record.project,
        "pipeline": record.pipeline,
        "treatment": group_name(record.line["treatment"]),
        "stream": record.line["stream"],
        "level": record.line["level"],
    }


def _metadata(record: LogRecord) -> dict[str, str]:
    metadata = {
        "run": record.run_id,
        "runner": record.line["runner"],
        "attempt": str(record.line["attempt"]),
        "seq": str(record.line["seq"]),
    }
    if ":" in record.line["treatment"]:
        metadata["instance"] = record.line["treatment"]
    return metadata
