"""Removes the lines and values of projects that keep them for a shorter time than the installation.

The bucket's own rules remove everything at the installation's age, independently of this.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cadence.application.shared.identifiers import highest_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.storage import StorageLedger
from cadence.application.values.storage import RemovedObjects, release
from cadence.domain.deletion.legal_hold import LegalHold, hold_against_deleting
from cadence.domain.runs.run import Run
from cadence.domain.shared.ids import in_bucket

_RUNS_AT_ONCE = 200


@dataclass(frozen=True)
class ShortLived:
    """A project that keeps less than the installation. All its runs up to `removed_through` have nothing left."""

    organization: str
    project: str
    retention: timedelta
    removed_through: str | None


class OldRuns(Protocol):
    """Runs by age, and their content in the tables (`logs`, `runs`)."""

    def short_lived(self) -> Sequence[ShortLived]:
        """Returns the projects that keep less than the installation."""

    def older(self, project: ShortLived, after: str | None, before: str, limit: int) -> Sequence[Run]:
        """Returns runs with ids between the two, the oldest first."""

    def buckets(self, run_id: str) -> Set[str]:
        """Returns the buckets that some of its values are in, besides the installation's own."""

    def forget_previews(self, run_id: str) -> None:
        """Removes what the tables hold of its values' content. Repeating changes nothing."""

    def note_removed(self, project: ShortLived, through: str) -> None:
        """Notes up to which run everything was removed."""


@dataclass(frozen=True)
class RemoveOldRuns:
    """Removes a run's lines and values some days after its end. The run itself stays known."""

    runs: OldRuns
    remove_values: Callable[[str], RemovedObjects]
    """Removes every object whose address begins with the argument; returns what there was."""
    storage: StorageLedger
    clock: Clock
    longest: timedelta
    holds: Callable[[], Sequence[LegalHold]]
    """Returns the legal holds that are on: what they cover is not removed."""

    def remove(self, seconds_left: Callable[[], float], least: float = 60.0) -> dict[str, int]:
        """Removes as much as there is time for; the next call continues. Returns counts by projects, runs, objects."""
        done = {"projects": 0, "runs": 0, "objects": 0}
        for project in self.runs.short_lived():
            if project.retention < self.longest and seconds_left() > least:
                done["projects"] += 1
                self._remove(project, self.holds(), lambda: seconds_left() <= least, done)
        return done

    def _remove(
        self,
        project: ShortLived,
        holds: Sequence[LegalHold],
        out_of_time: Callable[[], bool],
        done: dict[str, int],
    ) -> None:
        oldest_kept = self.clock() - project.retention
        before = highest_ulid(oldest_kept)
        # The mark stays behind a run that still goes on or is held, so that it is found again afterwards.
        mark, behind = project.removed_through, False
        after = mark
        while runs := self.runs.older(project, after, before, _RUNS_AT_ONCE):
            for run in runs:
                if out_of_time():
                    return
                held = hold_against_deleting(holds, run.organization, run.project, run.run_id) is not None
                if held or run.finished_at is None or run.finished_at > oldest_kept:
                    behind = True
                    continue
                elsewhere = self.runs.buckets(run.run_id) if run.keeps_values_elsewhere else ()
                for bucket in (None, *sorted(elsewhere)):
                    removed = self.remove_values(in_bucket(bucket, f"runs/{run.run_id}/"))
                    done["objects"] += release(self.storage, run.organization, run.project, removed)
                self.runs.forget_previews(run.run_id)
                done["runs"] += 1
                if not behind:
                    mark = run.run_id
            after = runs[-1].run_id
            if mark is not None and mark != project.removed_through:
                self.runs.note_removed(project, mark)
