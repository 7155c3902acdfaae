"""Requests the deletion of an organization with all of its projects."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.access.ports import Directory
from cadence.application.access.seed import ORGANIZATION as INSTALLATION
from cadence.application.deletion.hold_ports import HoldStore
from cadence.application.deletion.ports import DeletionStore, DeletionWork
from cadence.application.deletion.request_deletion import RequestDeletion
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.deletion.legal_hold import hold_against_deleting
from cadence.domain.deletion.project_deletion import ProjectDeletion, added
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation


@dataclass(frozen=True, kw_only=True)
class RequestOrganizationDeletion:
    """Marks organizations for deletion, and each of their projects.

    `stop_alerting` removes the alert rules of a project (`*`: those of the organization) and returns their number.
    `delay` is how long something outside may still write for a run that has ended.
    """

    store: DeletionStore
    holds: HoldStore
    directory: Directory
    projects: RequestDeletion
    work: DeletionWork
    stop_alerting: Callable[[str, str], int]
    new_id: Callable[[datetime], str]
    clock: Clock
    delay: timedelta

    def request(self, by: Principal, name: str, confirmed: str | None) -> ProjectDeletion:
        """Marks the organization, so that none of its tokens is accepted any more, and returns the deletion.

        Raises NotFound, InvalidRequest unless `confirmed` is the organization's name, Conflict if it is being deleted
        already, runs the installation, or a legal hold is on one of its projects or runs.
        """
        self.directory.get_organization(name)
        if name == INSTALLATION:
            raise Conflict(f"The organization {name!r} runs the installation, and cannot be deleted.")
        hold = hold_against_deleting(self.holds.list(name), name)
        if hold is not None:
            raise Conflict(
                f"A legal hold is on {hold.thing} since {hold.set_at:%Y-%m-%d} ({hold.reason}): the organization {name!r} "
                "cannot be deleted while anything of it is held. Those who set the hold can release it."
            )
        if confirmed != name:
            message = (
                "Deleting an organization removes everything in it for good, its projects and people included. Send its "
                f"name, {name!r}, as `confirm` to delete it, or `dry_run=true` to count what would be removed."
            )
            raise InvalidRequest(message, [Violation("confirm", message, "not_confirmed")])
        now = self.clock()
        deletion = ProjectDeletion(
            deletion_id=self.new_id(now),
            organization=name,
            project=ALL_PROJECTS,
            requested_at=now,
            requested_by=by.actor_id,
            removes_from=now + self.delay,
        )
        try:
            self.store.request(deletion)
        except Conflict:
            raise Conflict(f"The organization {name!r} is being deleted already, or is gone.") from None
        for project in self.directory.list_projects(name):
            with suppress(Conflict):  # it is being deleted already
                self.projects.mark(by, project)
        with suppress(Conflict):  # another process has begun already
            removed = added(deletion.removed, {"alert rules": self.stop_alerting(name, ALL_PROJECTS)})
            deletion = self.store.update(replace(deletion, removed=removed, version=deletion.version + 1))
        self.work.wake()
        return deletion
