"""Datadog's intake of logs (v2) and metrics (v2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cadence.adapters.export_formats.bodies import chunks, json_request, line_size, milliseconds
from cadence.application.exports.ports import LogRecord
from cadence.application.metrics.ports import Event
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.exports.export import PUSH_EVERY, Export, StoredRequest
from cadence.domain.metrics.counting import group_name
from cadence.domain.metrics.model import Metric, MetricKind, bound_text

# The bounds of both intakes: 1,000 lines of 5 MB in all, 500 kB of series.
_MOST_LINES = 1_000
_MOST_BYTES = 3_000_000
_MOST_SERIES = 1_000
_MOST_SERIES_BYTES = 400_000

_LOGS = "/api/v2/logs"
_METRICS = "/api/v2/series"
_INTAKES = {_LOGS: "http-intake.logs", _METRICS: "api"}
_SITES = ("datadoghq.com", "datadoghq.eu", "ddog-gov.com")
_COUNT, _GAUGE = 1, 3
_STATUS = {"error": "error", "warning": "warn", "info": "info", "debug": "debug"}


class Datadog:
    cumulative = False

    def address(self, export: Export, path: str) -> str:
        """Returns the intake's address.

        Each intake has a host at Datadog's own sites; any other address (an agent, a proxy) takes both.
        """
        host = urlsplit(export.url).hostname or ""
        if any(host == site or host.endswith(f".{site}") for site in _SITES):
            site = host.removeprefix("app.").removeprefix("api.")
            return f"https://{_INTAKES[path]}.{site}{path}"
        return export.url.rstrip("/") + path

    def logs(self, export: Export, records: Sequence[LogRecord]) -> Iterable[StoredRequest]:
        for part in chunks(records, _MOST_LINES, _MOST_BYTES, line_size):
            yield json_request(_LOGS, [_entry(export, record) for record in part])

    def metrics(self, export: Export, metrics: Sequence[Metric], at: datetime) -> Iterable[StoredRequest]:
        series = (one for metric in metrics for one in _series(export, metric, int(at.timestamp())))
        for part in chunks(series, _MOST_SERIES, _MOST_SERIES_BYTES, lambda one: 100 + 40 * len(one["tags"])):
            yield json_request(_METRICS, {"series": part})

    def spans(self, export: Export, ends: Sequence[Event]) -> Iterable[StoredRequest]:
        return ()

    def audit(self, export: Export, records: Sequence[ChainRecord]) -> Iterable[StoredRequest]:
        return ()


def _entry(export: Export, record: LogRecord) -> dict[str, Any]:
    line = record.line
    return {
        "message": line["text"],
        "ddsource": "cadence",
        "service": record.pipeline,
        "hostname": line["runner"],
        "status": _STATUS.get(line["level"], "info"),
        "timestamp": milliseconds(record),
        "ddtags": ",".join(
            _tags({**export.labels, "project": record.project, "treatment": group_name(line["treatment"])})
        ),
        "organization": record.organization,
        "project": record.project,
        "pipeline": record.pipeline,
        "treatment": line["treatment"],
        "run": record.run_id,
        "runner": line["runner"],
        "attempt": str(line["attempt"]),
        "seq": str(line["seq"]),
        "stream": line["stream"],
    }


def _series(export: Export, metric: Metric, timestamp: int) -> Iterator[dict[str, Any]]:
    name = metric.family.name.replace("cadence_", "cadence.", 1)
    counts = metric.family.kind is not MetricKind.GAUGE

    def point(suffix: str, labels: Mapping[str, str], value: float) -> dict[str, Any]:
        series: dict[str, Any] = {
            "metric": name + suffix,
            "type": _COUNT if counts else _GAUGE,
            "points": [{"timestamp": timestamp, "value": value}],
            "tags": _tags({**export.labels, **labels}),
        }
        return {**series, "interval": int(PUSH_EVERY.total_seconds())} if counts else series

    for sample in metric.samples:
        yield point("", sample.labels, sample.value)
    for distribution in metric.distributions:
        bounds = (*metric.family.bounds, float("inf"))
        for bound, count in zip(bounds, distribution.counts, strict=True):
            if count:
                labels = {**distribution.labels, "upper_bound": bound_text(bound).removeprefix("+").lower()}
                yield point(".bucket", labels, count)
        yield point(".count", distribution.labels, distribution.count)
        yield point(".sum", distribution.labels, distribution.total)


def _tags(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}:{value}" for name, value in sorted(labels.items()) if value]
