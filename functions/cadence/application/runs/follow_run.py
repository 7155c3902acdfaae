"""Follows the states of a run, and lists of runs: a request waits until one of them changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.shared.ports import Clock, Page
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.domain.access.access import Principal
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.run_changes import ChangesPosition, RunChanges, changes_since, position, version_of
from cadence.domain.runs.run_filter import RunFilter

LONGEST_WAIT = timedelta(seconds=2)
_LOOK_EVERY = timedelta(milliseconds=250)
# Long lists take long to read: this many times as long passes until the next look.
_REST = 4
_PER_PAGE = 2_000


@dataclass(frozen=True, kw_only=True)
class FollowRun:
    """Reads what changed in a run; `sleep` takes seconds."""

    runs: RunStore
    treatments: TreatmentStore
    clock: Clock
    sleep: Callable[[float], None]

    def follow(self, run: Run, after: ChangesPosition | None, wait: timedelta = timedelta()) -> tuple[Run, RunChanges]:
        """Returns the run and what changed in it since the position; without one, the position of now.

        With `wait` (at most 2 s) it waits for the first change. A run that has ended changes no more.
        """
        until = self.clock() + min(wait, LONGEST_WAIT)
        while True:
            began = self.clock()
            treatments = self._read(run.run_id)
            if after is None:
                return run, RunChanges((), position(run, treatments, began))
            changes = changes_since(run, treatments, after, began)
            if changes:
                return run, changes
            rest = max(_LOOK_EVERY, _REST * (self.clock() - began))
            if run.state.final or self.clock() + rest > until:
                return run, RunChanges((), after)
            self.sleep(rest.total_seconds())
            run = self.runs.get_run(run.run_id)

    def _read(self, run_id: str) -> Sequence[Treatment]:
        found: list[Treatment] = []
        after = None
        while True:
            page = self.treatments.page_of_treatments(run_id, _PER_PAGE, after)
            found += page.items
            after = page.after
            if after is None:
                return found


@dataclass(frozen=True, kw_only=True)
class FollowList:
    """Reads the first page of a list of runs once it has changed; `sleep` takes seconds."""

    visible: VisibleRuns
    clock: Clock
    sleep: Callable[[float], None]

    def follow(
        self,
        principal: Principal,
        limit: int,
        project: str | None,
        wanted: RunFilter,
        seen: str | None,
        wait: timedelta = timedelta(),
    ) -> Page[Run]:
        """Returns the newest runs as soon as they are not those of the version `seen`, at the latest after `wait`."""
        until = self.clock() + min(wait, LONGEST_WAIT)
        while True:
            began = self.clock()
            page = self.visible.page(principal, limit, None, project, wanted)
            rest = max(_LOOK_EVERY, _REST * (self.clock() - began))
            if seen is None or version_of(page.items) != seen or self.clock() + rest > until:
                return page
            self.sleep(rest.total_seconds())
