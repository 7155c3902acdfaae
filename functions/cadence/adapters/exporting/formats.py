"""The format of each kind of export, imported when the first export of that kind is met."""

from functools import cache

from cadence.application.export_ports import Format
from cadence.domain.export import ExportKind


@cache
def format_of(kind: ExportKind) -> Format:
    match kind:
        case ExportKind.PROMETHEUS:
            from cadence.adapters.exporting.remote_write import RemoteWrite

            return RemoteWrite()
        case ExportKind.LOKI:
            from cadence.adapters.exporting.loki import Loki

            return Loki()
        case ExportKind.DATADOG:
            from cadence.adapters.exporting.datadog import Datadog

            return Datadog()
        case ExportKind.OTLP:
            from cadence.adapters.exporting.otlp import Otlp

            return Otlp()
