"""docs/monitoring.md tells of every metric and every kind of export."""

from pathlib import Path

from cadence.domain.exports.export import SIGNALS
from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import MetricKind

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "monitoring.md").read_text()


def test_every_metric_is_listed_with_its_help() -> None:
    for family in catalog.ALL:
        suffix = "_total" if family.kind is MetricKind.COUNTER else ""
        assert f"| `{family.name}{suffix}` ({family.kind}) |" in TEXT
        assert family.help in TEXT


def test_every_kind_of_export_is_listed() -> None:
    for kind, signals in SIGNALS.items():
        (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{kind}` |")]
        assert all(str(signal) in row for signal in signals)


def test_names_end_in_their_units() -> None:
    for family in catalog.ALL:
        assert not family.unit or family.name.endswith(f"_{family.unit}")
        assert not family.name.endswith("_total")
