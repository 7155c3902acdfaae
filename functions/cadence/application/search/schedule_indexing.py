"""Schedules the indexing of projects: those with new lines at once, the others when they are due."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import Protocol

from cadence.application.search.index_project import IndexingResult
from cadence.application.search.split_ports import Deadline, SplitCatalogue
from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import Conflict

_log = logging.getLogger("cadence.search_index")

_DUE_AT_ONCE = 500
# Seconds of a call's time: with less remaining no further merge is begun, since one takes up to a minute.
_LEAST_LEFT = 180.0


class IndexOne(Protocol):
    """Maintains one project's index, as `IndexProject` and `SyncSearchService` document it."""

    def build(self, organization: str, project: str) -> IndexingResult: ...

    def build_all(self, organization: str, project: str) -> IndexingResult: ...

    def tend(self, organization: str, project: str, over: Deadline) -> IndexingResult: ...

    def ask_again(self, organization: str, project: str) -> None: ...


@dataclass(frozen=True)
class ScheduleIndexing:
    """Indexes several projects and returns totals by name (`projects`, `failed`, the fields of `IndexingResult`…)."""

    catalogue: SplitCatalogue
    tend: IndexOne
    clock: Clock

    def woken(self, projects: Iterable[tuple[str, str]]) -> dict[str, int]:
        """Builds the indexes of projects (with their organizations) that got lines.

        A project whose build fails is logged and made due, so that it does not hold back the others. Raises the error
        that keeps it from being made due.
        """
        return self._each(projects, self.tend.build)

    def due(self, seconds_left: Callable[[], float]) -> dict[str, int]:
        """Maintains the projects that are due, as long as there is time; the others stay due."""

        def over() -> bool:
            return seconds_left() < _LEAST_LEFT

        def tended(organization: str, project: str) -> IndexingResult:
            return self.tend.tend(organization, project, over)

        projects = self.catalogue.list_due(self.clock(), _DUE_AT_ONCE)
        return self._each((project for project in projects if not over()), tended)

    def redrive(
        self, organization: str, project: str, segments: Sequence[Sequence[str | int]] | None = None
    ) -> dict[str, int]:
        """Indexes the segments that were set aside once more: all, or only `segments` (each a run id and a number).

        A segment that still cannot be indexed is set aside again.
        """
        chosen = None if segments is None else {(run_id, number) for run_id, number in segments}
        for dead_letter in self.catalogue.list_skipped_segments(organization, project):
            if chosen is None or (dead_letter.segment.run_id, dead_letter.segment.number) in chosen:
                with suppress(Conflict):  # another call has taken it back
                    self.catalogue.take_back(dead_letter.segment)
        return self._each([(organization, project)], self.tend.build_all)

    def _each(self, projects: Iterable[tuple[str, str]], work: Callable[[str, str], IndexingResult]) -> dict[str, int]:
        total = dict.fromkeys(("projects", "failed", *(field.name for field in fields(IndexingResult))), 0)
        began = time.perf_counter()
        for organization, project in projects:
            total["projects"] += 1
            try:
                done = work(organization, project)
            except Exception as error:  # noqa: BLE001 - one project's trouble must not stop the others
                _log.error(
                    "a project's search index could not be tended",
                    extra={"organization": organization, "project": project, "error": type(error).__name__},
                )
                self.tend.ask_again(organization, project)
                total["failed"] += 1
            else:
                for name, number in asdict(done).items():
                    total[name] += number
        return total | {"duration_ms": round((time.perf_counter() - began) * 1000)}
