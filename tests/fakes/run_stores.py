"""What the stores of runs do together, as the contract tests use it."""

from typing import Protocol

from cadence.application.shared.run_ports import EdgeStore, RunStore, TreatmentStore, ValueStore


class RunRecords(RunStore, TreatmentStore, EdgeStore, ValueStore, Protocol):
    """Runs with their treatments, edges and values."""
