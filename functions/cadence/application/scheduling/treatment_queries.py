"""Several treatments of one run at once."""

from collections.abc import Sequence

from cadence.application.shared.run_ports import TreatmentStore
from cadence.domain.runs.run import Treatment


def in_order(treatments: TreatmentStore, run_id: str, names: Sequence[str]) -> Sequence[Treatment]:
    """Those that exist, in the order of `names`."""
    found = treatments.get_treatments((run_id, name) for name in names)
    return [found[run_id, name] for name in names if (run_id, name) in found]
