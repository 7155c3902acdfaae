"""What a legal hold covers is not removed, and is found again once the hold is released."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cadence.application.values.remove_old_runs import OldRuns, RemoveOldRuns, ShortLived
from cadence.application.values.storage import RemovedObjects
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.runs.run import Run
from tests.fakes.runs import NOW, a_run
from tests.fakes.services import MemoryStorageLedger
from tests.unit.deletion.holds import hold

LATER = NOW + timedelta(days=30)


@dataclass
class MemoryOldRuns(OldRuns):
    runs: tuple[Run, ...]
    through: str | None = None
    forgotten: list[str] = field(default_factory=list)

    def short_lived(self) -> Sequence[ShortLived]:
        return [ShortLived("acme", "site", timedelta(days=7), self.through)]

    def older(self, project: ShortLived, after: str | None, before: str, limit: int) -> Sequence[Run]:
        return [run for run in self.runs if after is None or run.run_id > after]

    def buckets(self, run_id: str) -> frozenset[str]:
        return frozenset()

    def forget_previews(self, run_id: str) -> None:
        self.forgotten.append(run_id)

    def note_removed(self, project: ShortLived, through: str) -> None:
        self.through = through


def removal(runs: MemoryOldRuns, holds: list[LegalHold]) -> RemoveOldRuns:
    return RemoveOldRuns(
        runs=runs,
        remove_values=lambda prefix: RemovedObjects(1),
        storage=MemoryStorageLedger(),
        clock=lambda: LATER.astimezone(UTC),
        longest=timedelta(days=90),
        holds=lambda: holds,
    )


def ended(*run_ids: str) -> MemoryOldRuns:
    at: datetime = NOW + timedelta(hours=1)
    return MemoryOldRuns(tuple(replace(a_run(run_id), finished_at=at) for run_id in run_ids))


def test_a_held_run_stays_and_is_removed_after_its_hold() -> None:
    runs, holds = ended("01a", "01b", "01c"), [hold("h1", "site", "01b")]
    assert removal(runs, holds).remove(lambda: 900)["runs"] == 2
    assert (runs.forgotten, runs.through) == (["01a", "01c"], "01a")
    holds.clear()
    removal(runs, holds).remove(lambda: 900)
    assert "01b" in runs.forgotten
    assert runs.through == "01c"


def test_nothing_of_a_held_project_is_removed() -> None:
    runs = ended("01a", "01b")
    assert removal(runs, [hold("h1", "site")]).remove(lambda: 900) == {"projects": 1, "runs": 0, "objects": 0}
    assert (runs.forgotten, runs.through) == ([], None)
