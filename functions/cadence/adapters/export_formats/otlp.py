"""OTLP over HTTP, as protobuf.

Traces follow OpenTelemetry's semantic conventions for CI/CD (release candidate of 2026).

Imported at its first use: the messages alone take longer to import than a Lambda may take.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as OtlpRecord
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber as Severity
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from cadence.adapters.export_formats.attributes import key_values
from cadence.adapters.export_formats.bodies import chunks, compressed, line_size, nanoseconds
from cadence.adapters.export_formats.spans import resource_of, span_of
from cadence.application.exports.ports import LogRecord
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import Export, StoredRequest
from cadence.domain.metrics.model import Distribution, Metric, MetricKind, MetricSample

_MOST_LINES = 1_000
_MOST_BYTES = 1_000_000
_MOST_SPANS = 500
_MOST_POINTS = 2_000

_SEVERITIES = {
    "error": Severity.SEVERITY_NUMBER_ERROR,
    "warning": Severity.SEVERITY_NUMBER_WARN,
    "info": Severity.SEVERITY_NUMBER_INFO,
    "debug": Severity.SEVERITY_NUMBER_DEBUG,
}
_SCOPE = InstrumentationScope(name="cadence")


class Otlp:
    cumulative = True

    def address(self, export: Export, path: str) -> str:
        return export.url.rstrip("/") + path

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]:
        for part in chunks(records, _MOST_LINES, _MOST_BYTES, line_size):
            by_run: dict[str, list[LogRecord]] = {}
            for record in part:
                by_run.setdefault(record.run_id, []).append(record)
            bodies = [
                ResourceLogs(
                    resource=_resource(_resource_of_record(export, records[0])),
                    scope_logs=[ScopeLogs(scope=_SCOPE, log_records=[_log(record) for record in records])],
                )
                for records in by_run.values()
            ]
            yield compressed("/v1/logs", ExportLogsServiceRequest(resource_logs=bodies).SerializeToString())

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]:
        now = int(at.timestamp() * 1e9)
        resource = _resource({"service.name": "cadence", **export.labels})
        for part in chunks(metrics, 1_000, _MOST_POINTS, lambda one: len(one.samples) + 15 * len(one.distributions)):
            scope = metrics_pb2.ScopeMetrics(scope=_SCOPE, metrics=[_metric(metric, now) for metric in part])
            message = ExportMetricsServiceRequest(
                resource_metrics=[metrics_pb2.ResourceMetrics(resource=resource, scope_metrics=[scope])]
            )
            yield compressed("/v1/metrics", message.SerializeToString())

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        for part in chunks(ends, _MOST_SPANS, _MOST_SPANS, lambda _: 1):
            bodies = [
                ResourceSpans(
                    resource=_resource({**export.labels, **resource_of(end, export.origin)}),
                    scope_spans=[ScopeSpans(scope=_SCOPE, spans=[span_of(end, export.origin)])],
                )
                for end in part
            ]
            yield compressed("/v1/traces", ExportTraceServiceRequest(resource_spans=bodies).SerializeToString())

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        return ()


def _resource(attributes: Mapping[str, Any]) -> Resource:
    return Resource(attributes=key_values(attributes))


def _resource_of_record(export: Export, record: LogRecord) -> Mapping[str, Any]:
    event = {
        "organization": record.organization,
        "project": record.project,
        "pipeline": record.pipeline,
        "run_id": record.run_id,
    }
    return {**export.labels, **resource_of(event, export.origin)}


def _log(record: LogRecord) -> OtlpRecord:
    line = record.line
    attributes = {
        "cicd.pipeline.task.name": line["treatment"],
        "cicd.worker.id": line["runner"],
        "log.iostream": line["stream"],
        "cadence.attempt": line["attempt"],
        "cadence.seq": line["seq"],
    }
    return OtlpRecord(
        time_unix_nano=nanoseconds(record),
        severity_number=_SEVERITIES.get(line["level"], Severity.SEVERITY_NUMBER_INFO),
        severity_text=line["level"],
        body=AnyValue(string_value=line["text"].encode("utf-8", "replace").decode()),
        attributes=key_values(attributes),
    )


def _metric(metric: Metric, now: int) -> metrics_pb2.Metric:
    family = metric.family
    message = metrics_pb2.Metric(name=family.name, description=family.help, unit=_UNITS.get(family.unit, "1"))
    if family.kind is MetricKind.HISTOGRAM:
        message.histogram.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
        message.histogram.data_points.extend(_bucketed(metric.family.bounds, one, now) for one in metric.distributions)
    elif family.kind is MetricKind.COUNTER:
        message.sum.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
        message.sum.is_monotonic = True
        message.sum.data_points.extend(_points(metric.samples, now))
    else:
        message.gauge.data_points.extend(_points(metric.samples, now))
    return message


_UNITS = {"seconds": "s", "bytes": "By"}


def _points(samples: Iterable[MetricSample], now: int) -> Iterator[metrics_pb2.NumberDataPoint]:
    for sample in samples:
        yield metrics_pb2.NumberDataPoint(
            attributes=key_values(sample.labels), time_unix_nano=now, as_double=sample.value
        )


def _bucketed(bounds: Sequence[float], distribution: Distribution, now: int) -> metrics_pb2.HistogramDataPoint:
    return metrics_pb2.HistogramDataPoint(
        attributes=key_values(distribution.labels),
        time_unix_nano=now,
        count=int(distribution.count),
        sum=distribution.total,
        bucket_counts=[int(count) for count in distribution.counts],
        explicit_bounds=bounds,
    )
