"""Prometheus remote write, version 1.0: a protobuf message of a few fields, in Snappy's block format.

message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
message Label { string name = 1; string value = 2; }
message Sample { double value = 1; int64 timestamp = 2; }
message MetricMetadata { MetricType type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import cramjam

from cadence.adapters.export_formats.bodies import chunks
from cadence.application.exports.ports import LogRecord
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import Export, StoredRequest
from cadence.domain.metrics.model import Family, Metric, MetricKind, bound_text

_MOST_SERIES = 2_000
_MOST_BYTES = 500_000
_TYPES = {MetricKind.COUNTER: 1, MetricKind.GAUGE: 2, MetricKind.HISTOGRAM: 3}

_Series = tuple[dict[str, str], float]


class RemoteWrite:
    cumulative = True

    def address(self, export: Export, path: str) -> str:
        return export.url

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]:
        return ()

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]:
        timestamp = int(at.timestamp() * 1000)
        metadata = b"".join(_field(3, _metadata(metric.family)) for metric in metrics)
        series = (one for metric in metrics for one in _series(metric))
        for part in chunks(series, _MOST_SERIES, _MOST_BYTES, lambda one: 40 * len(one[0])):
            body = b"".join(_field(1, _time_series(export.labels, *one, timestamp)) for one in part) + metadata
            yield StoredRequest(
                path="",
                content_type="application/x-protobuf",
                body=bytes(cramjam.snappy.compress_raw(body)),
                encoding="snappy",
                headers={"X-Prometheus-Remote-Write-Version": "0.1.0"},
            )
            metadata = b""  # once is enough

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        return ()

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        return ()


def _series(metric: Metric) -> Iterator[_Series]:
    name = metric.family.name
    suffix = "_total" if metric.family.kind is MetricKind.COUNTER else ""
    for sample in metric.samples:
        yield {"__name__": name + suffix, **sample.labels}, sample.value
    for distribution in metric.distributions:
        for bound, count in zip((*metric.family.bounds, float("inf")), distribution.cumulative(), strict=True):
            yield {"__name__": f"{name}_bucket", **distribution.labels, "le": bound_text(bound)}, count
        yield {"__name__": f"{name}_count", **distribution.labels}, distribution.count
        yield {"__name__": f"{name}_sum", **distribution.labels}, distribution.total


def _time_series(added: Mapping[str, str], labels: Mapping[str, str], value: float, timestamp: int) -> bytes:
    # An empty label is the same as none, and labels have to be sorted.
    labelled = {name: text for name, text in sorted({**added, **labels}.items()) if text}
    message = b"".join(_field(1, _text(1, name) + _text(2, text)) for name, text in labelled.items())
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(timestamp)
    return message + _field(2, sample)


def _metadata(family: Family) -> bytes:
    kind = b"\x08" + _varint(_TYPES[family.kind])
    suffix = "_total" if family.kind is MetricKind.COUNTER else ""
    return kind + _text(2, family.name + suffix) + _text(4, family.help) + _text(5, family.unit)


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode("utf-8", "replace")) if text else b""


def _field(number: int, content: bytes) -> bytes:
    """Returns a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
