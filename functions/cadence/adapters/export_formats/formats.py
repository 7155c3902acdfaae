"""The format of each kind of export, imported at the first export of that kind."""

from functools import cache

from cadence.application.exports.ports import ExportFormat
from cadence.domain.exports.export import ExportKind


@cache
def format_of(kind: ExportKind) -> ExportFormat:
    match kind:
        case ExportKind.PROMETHEUS:
            from cadence.adapters.export_formats.remote_write import RemoteWrite

            return RemoteWrite()
        case ExportKind.LOKI:
            from cadence.adapters.export_formats.loki import Loki

            return Loki()
        case ExportKind.DATADOG:
            from cadence.adapters.export_formats.datadog import Datadog

            return Datadog()
        case ExportKind.OTLP:
            from cadence.adapters.export_formats.otlp import Otlp

            return Otlp()
        case ExportKind.CLOUDEVENTS:
            from cadence.adapters.export_formats.cloudevents import CloudEvents

            return CloudEvents()
