"""Reads several treatments of one run at once."""

from collections.abc import Sequence

from cadence.application.shared.run_ports import TreatmentStore
from cadence.domain.runs.run import Treatment


def in_order(treatments: TreatmentStore, run_id: str, names: Sequence[str]) -> Sequence[Treatment]:
    """Returns those of the treatments that exist, in the order of `names`."""
    by_key = treatments.get_treatments((run_id, name) for name in names)
    return [by_key[run_id, name] for name in names if (run_id, name) in by_key]
