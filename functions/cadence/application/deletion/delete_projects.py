"""Carries deletions of projects and organizations out, in steps that another process can continue at any point."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.access.ports import AuditTrail
from cadence.application.access.seed import ORGANIZATION as INSTALLATION
from cadence.application.deletion.ports import Deadline, DeletionStore, ProjectData, ProjectSources
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.deletion.project_deletion import DataCounts, DeletionState, ProjectDeletion, added
from cadence.domain.shared.errors import CadenceError, Conflict

_log = logging.getLogger("cadence.deletion")

# Longer than a process of the Lambda can live.
_LEASE = timedelta(minutes=16)
# A process waits so long at most for runs to end, or for the removal to begin; otherwise the next one goes on.
_LONGEST_WAIT = timedelta(seconds=120)
_LOOK_AGAIN = 2.0

ACTION, ORGANIZATION_ACTION = "delete_project", "delete_organization"


class _LeaseLost(Exception):
    pass


@dataclass(frozen=True)
class DeletionParts:
    """What is closed and what is removed: of projects, or of organizations."""

    sources: ProjectSources
    data: ProjectData


@dataclass(frozen=True, kw_only=True)
class DeleteProjects:
    """Deletes the projects and organizations that are marked.

    First everything that starts runs is removed and the runs are cancelled. Once they have ended, and nothing outside
    can write any more, all data is removed; the project itself last, together with its mark. An organization is removed
    after its projects. Each step may be repeated, so that a process that ends anywhere is followed by another one.
    """

    store: DeletionStore
    projects: DeletionParts
    organizations: DeletionParts
    audit: AuditTrail
    clock: Clock
    sleep: Callable[[float], None]
    delay: timedelta
    """How long something outside may still write for a run that has ended."""

    def work(self, seconds_left: Callable[[], float], least: float = 60.0) -> dict[str, int]:
        """Goes as far as there is time for. Returns the numbers of deletions that were looked at, and finished."""
        done = {"deletions": 0, "finished": 0}
        for deletion in self.store.unfinished():
            if seconds_left() <= least:
                break
            done["deletions"] += 1
            try:
                done["finished"] += self._advance(deletion, lambda: seconds_left() <= least)
            except CadenceError as error:
                # The next call goes on; the other deletions do not wait for this one.
                _log.error(
                    "a project or organization could not be deleted further",
                    extra={"deletion": deletion.deletion_id, "project": deletion.project, "cause": error.message},
                )
        return done

    def count(self, organization: str, project: str, over: Deadline) -> DataCounts:
        """Counts the data of a project, or of an organization (`*`) with its projects, as far as there is time."""
        parts = self.organizations if project == ALL_PROJECTS else self.projects
        return parts.data.count(organization, project, over)

    def _parts(self, deletion: ProjectDeletion) -> DeletionParts:
        return self.organizations if deletion.whole_organization else self.projects

    def _advance(self, deletion: ProjectDeletion, over: Callable[[], bool]) -> bool:
        now = self.clock()
        if deletion.leased_until is not None and now < deletion.leased_until:
            return False
        try:
            work = _Work(self.store, self.store.update(replace(deletion, leased_until=now + _LEASE)))
        except Conflict:
            return False  # another process was faster
        try:
            finished = self._close(work, over) and self._remove(work, over)
        except _LeaseLost:
            return False
        except CadenceError:
            work.change(leased_until=None)
            raise
        if not finished:
            work.change(leased_until=None)
        return finished

    def _close(self, work: "_Work", over: Callable[[], bool]) -> bool:
        """Returns True once nothing can write any more. Repeated before each removal: it costs little."""
        of = work.deletion
        sources = self._parts(of).sources
        removed, remains = sources.close(of.organization, of.project)
        work.count(removed)
        if new := [sentence for sentence in remains if sentence not in of.remains]:
            work.change(remains=(*of.remains, *new))
        until = self.clock() + _LONGEST_WAIT
        cause = f"cancelled: the project {of.project} is being deleted"
        while True:
            if sources.end_runs(of.organization, of.project, cause):
                # What an organization waits for are its projects, which are removed only when nothing writes any more.
                if not of.whole_organization:
                    work.change(removes_from=max(of.removes_from, self.clock() + self.delay))
            elif self.clock() >= work.deletion.removes_from:
                return True
            if over() or self.clock() >= until or work.deletion.removes_from > until:
                return False
            self.sleep(_LOOK_AGAIN)

    def _remove(self, work: "_Work", over: Callable[[], bool]) -> bool:
        of = work.deletion
        if of.state is DeletionState.CLOSING:
            work.change(state=DeletionState.REMOVING)
        data = self._parts(of).data
        if not data.remove(of.organization, of.project, work.count, over):
            return False
        left = data.count(of.organization, of.project, over)
        if left.counts or not left.complete:
            return False  # something was written meanwhile: the next call removes it
        now = self.clock()
        self._note(work.deletion, now)
        work.finish(now)
        return True

    def _note(self, deletion: ProjectDeletion, at: datetime) -> None:
        """Adds the end of the deletion to the audit log, once; of an organization, also to the installation's."""
        whole = deletion.whole_organization
        routes = "organization-deletions" if whole else "project-deletions"
        entry = AuditEntry(
            organization=deletion.organization,
            project=deletion.project,
            at=at,
            kind=AuditKind.CHANGE,
            actor=deletion.requested_by,
            token_id="",
            token_name="",
            action=ORGANIZATION_ACTION if whole else ACTION,
            target=f"/v1/{routes}/{deletion.deletion_id}",
            outcome=str(DeletionState.DELETED),
            request=deletion.deletion_id,
        )
        self.audit.note_once(entry, f"DELETION#{deletion.deletion_id}", timedelta(days=1))
        if whole:
            copy = replace(entry, organization=INSTALLATION)
            self.audit.note_once(copy, f"DELETION#{INSTALLATION}#{deletion.deletion_id}", timedelta(days=1))


class _Work:
    """A deletion that this process has the lease on."""

    def __init__(self, store: DeletionStore, deletion: ProjectDeletion) -> None:
        self._store = store
        self.deletion = deletion

    def change(self, **changes: object) -> None:
        self.deletion = self._stored(replace(self.deletion, **changes))  # type: ignore[arg-type]

    def count(self, removed: Mapping[str, int]) -> None:
        if removed:
            self.change(removed=added(self.deletion.removed, removed))

    def finish(self, at: datetime) -> None:
        finished = replace(self.deletion, state=DeletionState.DELETED, finished_at=at, leased_until=None)
        try:
            self._store.finish(finished)
        except Conflict:
            raise _LeaseLost from None

    def _stored(self, deletion: ProjectDeletion) -> ProjectDeletion:
        try:
            return self._store.update(deletion)
        except Conflict:
            raise _LeaseLost from None
