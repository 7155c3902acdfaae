"""Reads runs as far as a principal may see them. A run that it may not see does not exist for it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge

from cadence.application.access.authenticate import refuse_if_known
from cadence.application.access.ports import Directory
from cadence.application.shared.identifiers import highest_ulid
from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import RunStore
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.scopes import project_scope
from cadence.domain.runs.run import Run
from cadence.domain.runs.run_filter import EVERY_RUN, RunFilter
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound

_LARGEST_BATCH = 100
_MOST_READ = 1_000
# A run's position may be of a slightly later time than its creation.
_APART = timedelta(minutes=1)
# No run is of that time, and a little can still be added to each time before.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StateCounts:
    """How many runs are in which state; unless all were read, ``reached`` is when the oldest of them was created."""

    counts: Mapping[RunState, int]
    reached: datetime | None


@dataclass(frozen=True)
class VisibleRuns:
    """Reads the runs that a principal may see."""

    runs: RunStore
    directory: Directory

    def get(self, principal: Principal, run_id: str, *, environment: str | None = None) -> Run:
        """Returns a run whose pipeline, or `environment`, is one for which the principal has the permission.

        Raises NotFound, with the same message if it does not exist and if the principal may not see it; Forbidden if
        the principal has other permissions there.
        """
        missing = NotFound(f"There is no run {run_id!r} here.")
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            raise missing from None
        if principal.sees(run.organization, run.project, pipeline=run.pipeline):
            return run
        if environment and principal.sees(run.organization, run.project, environment=environment):
            return run
        if run.organization == principal.organization:
            refuse_if_known(principal, project_scope(run.project, pipeline=run.pipeline))
        raise missing

    def page(
        self,
        principal: Principal,
        limit: int,
        after: str | None = None,
        project: str | None = None,
        wanted: RunFilter = EVERY_RUN,
    ) -> Page[Run]:
        """Returns runs, newest first.

        At most 1,000 runs are read for one page, so that a rare filter may give a short page with more to come.
        """
        matches: list[Run] = []
        after = after or _start(wanted)
        newest = self._newest_first(principal.organization, self._within(principal, project), after, limit)
        for read, run in enumerate(newest):
            if len(matches) == limit or read == _MOST_READ:
                return Page(matches, after)
            after = run.position
            if wanted.ends_at(run):
                return Page(matches, None)
            if wanted.matches(run) and principal.sees(run.organization, run.project, pipeline=run.pipeline):
                matches.append(run)
        return Page(matches, None)

    def count_states(
        self, principal: Principal, project: str | None = None, wanted: RunFilter = EVERY_RUN
    ) -> StateCounts:
        """Counts runs by their states, of the newest 1,000 in the time that the filter names."""
        counts: Counter[RunState] = Counter()
        oldest: datetime | None = None
        projects = self._within(principal, project)
        newest = self._newest_first(principal.organization, projects, _start(wanted), _LARGEST_BATCH)
        for read, run in enumerate(newest):
            if wanted.ends_at(run):
                break
            if read == _MOST_READ:
                return StateCounts(counts, oldest)
            oldest = run.created_at
            if wanted.matches(run) and principal.sees(run.organization, run.project, pipeline=run.pipeline):
                counts[run.state] += 1
        return StateCounts(counts, None)

    def projects(self, principal: Principal, project: str | None = None) -> Sequence[str]:
        """Returns the projects that the principal sees, only `project` if that is not None.

        Raises NotFound for one it does not see.
        """
        return self._projects(principal, project, principal.sees)

    def _within(self, principal: Principal, project: str | None) -> Sequence[str]:
        """Returns the projects of which the principal sees everything or some pipelines."""
        return self._projects(principal, project, principal.sees_within)

    def _projects(self, principal: Principal, project: str | None, sees: Callable[[str, str], bool]) -> Sequence[str]:
        organization = principal.organization
        if project is not None:
            if not sees(organization, project):
                raise NotFound(f"There is no project {project!r} here.")
            return [self.directory.get_project(organization, project).name]
        if principal.rights is None and principal.project != ALL_PROJECTS:
            return [principal.project]
        return [one.name for one in self.directory.list_projects(organization) if sees(organization, one.name)]

    def _newest_first(self, organization: str, projects: Sequence[str], after: str | None, limit: int) -> Iterator[Run]:
        """Merges the projects' listings: positions sort by time."""
        batch = min(limit + 1, _LARGEST_BATCH)
        listings = [self._listing(organization, project, after, batch) for project in projects]
        return merge(*listings, key=lambda run: run.position, reverse=True)

    def _listing(self, organization: str, project: str, after: str | None, batch: int) -> Iterator[Run]:
        while True:
            page = self.runs.list_runs(organization, project, batch, after)
            yield from page.items
            if page.after is None:
                return
            after = page.after


def _start(wanted: RunFilter) -> str | None:
    """Returns the position before which all wanted runs are; None for the newest."""
    if wanted.until is None or wanted.until >= _NEVER:
        return None
    return highest_ulid(wanted.until + _APART)
