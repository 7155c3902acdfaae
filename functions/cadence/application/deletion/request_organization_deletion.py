"""Requests the deletion of an organization with all of its projects."""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.access.ports import Directory
from cadence.application.access.seed import ORGANIZATION as INSTALLATION
from cadence.application.deletion.request_deletion import RequestDeletion
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.deletion.legal_hold import hold_against_deleting
from cadence.domain.deletion.project_deletion import ProjectDeletion
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation


@dataclass(frozen=True, kw_only=True)
class RequestOrganizationDeletion:
    """Marks organizations for deletion, and each of their projects."""

    directory: Directory
    projects: RequestDeletion

    def request(self, by: Principal, name: str, confirmed: str | None) -> ProjectDeletion:
        """Marks the organization, so that none of its tokens is accepted any more, and returns the deletion.

        Raises NotFound, InvalidRequest unless `confirmed` is the organization's name, Conflict if it is being deleted
        already, runs the installation, or a legal hold is on one of its projects or runs.
        """
        self.directory.get_organization(name)
        if name == INSTALLATION:
            raise Conflict(f"The organization {name!r} runs the installation, and cannot be deleted.")
        hold = hold_against_deleting(self.projects.holds.list(name), name)
        if hold is not None:
            raise Conflict(
                f"{hold.notice}: the organization {name!r} cannot be deleted while anything of it is held. Those who set "
                "the hold can release it."
            )
        if confirmed != name:
            message = (
                "Deleting an organization removes everything in it for good, its projects and people included. Send its "
                f"name, {name!r}, as `confirm` to delete it, or `dry_run=true` to count what would be removed."
            )
            raise InvalidRequest(message, [Violation("confirm", message, "not_confirmed")])
        try:
            deletion = self.projects.record(by, name, ALL_PROJECTS)
        except Conflict:
            raise Conflict(f"The organization {name!r} is being deleted already, or is gone.") from None
        for project in self.directory.list_projects(name):
            with suppress(Conflict):  # it is being deleted already
                self.projects.mark(by, project)
        deletion = self.projects.end_alerting(deletion)
        self.projects.work.wake()
        return deletion
