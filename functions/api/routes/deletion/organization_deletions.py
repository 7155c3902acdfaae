"""Deleting organizations, and the records of deletions. For the organization that runs the installation."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.access.organizations import require_installation
from api.routes.deletion.deletions import DataCountsView, ProjectDeletionView, project_deletion_view
from api.shapes import Name
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS, Permission
from cadence.domain.deletion.project_deletion import ProjectDeletion
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("deletions")


class OrganizationDeletionQuery(Model):
    dry_run: bool = Field(False, description="Count what would be removed, and remove nothing.")
    confirm: Name | None = Field(None, description="The organization's name once more.")


class OrganizationDeletionView(Model):
    """A deletion: the record that remains of an organization."""

    id: str
    organization: str
    state: str = Field(description="`closing` (its projects are deleted), `removing`, or `deleted`.")
    requested_at: datetime
    requested_by: str = Field(description="The id of a member, a service account or a token.")
    removes_from: datetime = Field(description="When what belongs to no project begins to be removed, at the earliest.")
    finished_at: datetime | None
    removed: dict[str, int] = Field(description="What was removed so far besides the projects, by kind.")
    remains: list[str] = Field(description="What could not be removed elsewhere, and where it is.")
    projects: list[ProjectDeletionView] = Field(description="The deletions of its projects, with what these removed.")


class OrganizationDeletionList(Model):
    items: list[OrganizationDeletionView]
    next: str | None = None


@endpoints.add(
    "DELETE",
    "/v1/organizations/{organization}",
    Permission.ORGANIZATIONS_MANAGE,
    answers={202: OrganizationDeletionView, 200: DataCountsView},
    errors=(404, 409, 422),
    at="organization",
)
def delete_organization(call: Call, services: Services, organization: str, query: OrganizationDeletionQuery) -> Reply:
    """Deletes an organization with its projects, people and everything else; with `dry_run`, counts what that is.

    From now on no token of it is accepted, and its runs are cancelled. Its data is removed once no runner can write any
    more, and cannot be restored. Its name is never used again. Needs a token of the organization that runs the
    installation.
    """
    require_installation(call.by)
    if query.dry_run:
        name = services.access.get_organization(organization).name
        found = services.deletions.work.count(name, ALL_PROJECTS)
        return Reply(DataCountsView(project=ALL_PROJECTS, counts=dict(found.counts), complete=found.complete), 200)
    return Reply(_view(services, services.deletions.organizations.request(call.by, organization, query.confirm)), 202)


@endpoints.add(
    "GET",
    "/v1/organization-deletions",
    Permission.ORGANIZATIONS_MANAGE,
    answers={200: OrganizationDeletionList},
    at="organization",
)
def list_organization_deletions(call: Call, services: Services) -> OrganizationDeletionList:
    """Lists the deletions of organizations, the newest first."""
    require_installation(call.by)
    found = services.deletions.store.list_organizations()
    return OrganizationDeletionList(items=[_view(services, one) for one in found])


@endpoints.add(
    "GET",
    "/v1/organization-deletions/{deletion_id}",
    Permission.ORGANIZATIONS_MANAGE,
    answers={200: OrganizationDeletionView},
    errors=(404,),
    at="organization",
)
def show_organization_deletion(call: Call, services: Services, deletion_id: str) -> OrganizationDeletionView:
    """Shows a deletion of an organization: how far it is, and what was removed."""
    require_installation(call.by)
    for found in services.deletions.store.list_organizations():
        if found.deletion_id == deletion_id:
            return _view(services, found)
    raise NotFound(f"There is no deletion {deletion_id!r} here.")


def _view(services: Services, deletion: ProjectDeletion) -> OrganizationDeletionView:
    projects = services.deletions.store.list(deletion.organization)
    return OrganizationDeletionView(
        id=deletion.deletion_id,
        organization=deletion.organization,
        state=str(deletion.state),
        requested_at=deletion.requested_at,
        requested_by=deletion.requested_by,
        removes_from=deletion.removes_from,
        finished_at=deletion.finished_at,
        removed=dict(deletion.removed),
        remains=list(deletion.remains),
        projects=[project_deletion_view(one) for one in projects],
    )
