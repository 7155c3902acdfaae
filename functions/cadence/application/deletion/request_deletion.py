"""Requests the deletion of a project."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.deletion.hold_ports import HoldStore
from cadence.application.deletion.ports import DeletionStore, DeletionWork
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Principal, Project
from cadence.domain.deletion.legal_hold import hold_against_deleting
from cadence.domain.deletion.project_deletion import ProjectDeletion, added
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation


@dataclass(frozen=True, kw_only=True)
class RequestDeletion:
    """Marks projects for deletion.

    `stop_alerting` removes the alert rules of a project (`*`: those of the organization) and returns their number.
    `delay` is how long something outside may still write for a run that has ended.
    """

    store: DeletionStore
    holds: HoldStore
    work: DeletionWork
    stop_alerting: Callable[[str, str], int]
    new_id: Callable[[datetime], str]
    clock: Clock
    delay: timedelta

    def request(self, by: Principal, project: Project, confirmed: str | None) -> ProjectDeletion:
        """Marks the project, so that nothing new starts in it, and returns the deletion.

        Raises InvalidRequest unless `confirmed` is the project's name, Conflict if it is being deleted already or a
        legal hold is on it or on one of its runs.
        """
        self.refuse_if_held(project)
        if confirmed != project.name:
            message = (
                f"Deleting a project removes everything in it for good. Send its name, {project.name!r}, as `confirm` "
                "to delete it, or `dry_run=true` to count what would be removed."
            )
            raise InvalidRequest(message, [Violation("confirm", message, "not_confirmed")])
        deletion = self.mark(by, project)
        self.work.wake()
        return deletion

    def mark(self, by: Principal, project: Project) -> ProjectDeletion:
        """Marks the project without a confirmation. Raises Conflict if it is being deleted already."""
        try:
            deletion = self.record(by, project.organization, project.name)
        except Conflict:
            self.refuse_if_held(project)  # a hold was set at this moment
            raise Conflict(f"The project {project.name!r} is being deleted already, or is gone.") from None
        return self.end_alerting(deletion)

    def record(self, by: Principal, organization: str, project: str) -> ProjectDeletion:
        """Stores the deletion of a project (`*`: of the organization) with its mark.

        Raises Conflict if it is marked already, or gone.
        """
        now = self.clock()
        deletion = ProjectDeletion(
            deletion_id=self.new_id(now),
            organization=organization,
            project=project,
            requested_at=now,
            requested_by=by.actor_id,
            removes_from=now + self.delay,
        )
        self.store.request(deletion)
        return deletion

    def end_alerting(self, deletion: ProjectDeletion) -> ProjectDeletion:
        """Removes the alert rules of what is deleted, and returns the deletion, which counts them."""
        with suppress(Conflict):  # another process has begun already
            rules = self.stop_alerting(deletion.organization, deletion.project)
            removed = added(deletion.removed, {"alert rules": rules})
            deletion = self.store.update(replace(deletion, removed=removed, version=deletion.version + 1))
        return deletion

    def refuse_if_held(self, project: Project) -> None:
        """Raises Conflict if a legal hold is on the project or on one of its runs."""
        hold = hold_against_deleting(self.holds.list(project.organization), project.organization, project.name)
        if hold is not None:
            raise Conflict(
                f"{hold.notice}: the project cannot be deleted. `cadence project holds {project.name}` shows its holds; "
                "releasing them permits the deletion."
            )
