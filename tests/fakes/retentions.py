"""`Custodies` in memory."""

import dataclasses
from collections.abc import Iterable, Sequence

from cadence.application.shared.value_ports import AttemptRetention
from cadence.domain.values.value_retention import ValueRetention
from tests.fakes.runs import MemoryRunStore


class MemoryValueRetentionStore:
    def __init__(self, runs: MemoryRunStore) -> None:
        self._runs = runs
        self.kept: dict[tuple[str, str, int], ValueRetention] = {}

    def note(self, run_id: str, treatment: str, attempt: int, retention: ValueRetention) -> None:
        self.kept[run_id, treatment, attempt] = retention
        self._runs.runs[run_id] = dataclasses.replace(self._runs.runs[run_id], keeps_values_elsewhere=True)

    def list(self, run_id: str, treatments: Iterable[str] | None = None) -> Sequence[AttemptRetention]:
        wanted = None if treatments is None else set(treatments)
        return [
            AttemptRetention(treatment, attempt, retention)
            for (of, treatment, attempt), retention in sorted(self.kept.items())
            if of == run_id and (wanted is None or treatment in wanted)
        ]

    def forget_digests(self, run_id: str, treatment: str, attempt: int) -> None:
        for key, value in self._runs.values.items():
            if (value.run_id, value.treatment, value.attempt) == (run_id, treatment, attempt):
                self._runs.values[key] = dataclasses.replace(value, sha256="")
