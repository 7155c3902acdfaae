"""Deleting projects, and the records of deletions."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.shapes import Name
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.deletion.project_deletion import ProjectDeletion
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("deletions")


class DeletionQuery(Model):
    dry_run: bool = Field(False, description="Count what would be removed, and remove nothing.")
    confirm: Name | None = Field(None, description="The project's name once more.")


class DataCountsView(Model):
    """What a deletion would remove, by kind (`runs`, `secrets`, `objects`, `bytes`, …)."""

    project: str
    counts: dict[str, int]
    complete: bool = Field(description="False if there was no time to count everything: there is at least as much.")


class ProjectDeletionView(Model):
    """A deletion: the record that remains of a project."""

    id: str
    project: str
    state: str = Field(description="`closing` (runs end), `removing`, or `deleted`.")
    requested_at: datetime
    requested_by: str = Field(description="The id of a member, a service account or a token.")
    removes_from: datetime = Field(description="When data begins to be removed: no runner can write any more by then.")
    finished_at: datetime | None
    removed: dict[str, int] = Field(description="What was removed so far, by kind.")
    remains: list[str] = Field(description="What could not be removed elsewhere, and where it is.")


class ProjectDeletionList(Model):
    items: list[ProjectDeletionView]
    next: str | None = None


@endpoints.add(
    "DELETE",
    "/v1/projects/{project}",
    Permission.PROJECTS_DELETE,
    answers={202: ProjectDeletionView, 200: DataCountsView},
    errors=(404, 409, 422),
)
def delete_project(call: Call, services: Services, project: str, query: DeletionQuery) -> Reply:
    """Deletes a project with everything in it; with `dry_run`, counts what that is.

    Nothing new starts in the project from now on, and its runs are cancelled. Its data is removed once no runner can
    write any more, and cannot be restored. Its name can be used again afterwards.
    """
    owner = services.project(call.by, project)
    if query.dry_run:
        found = services.deletions.work.count(owner.organization, owner.name)
        return Reply(DataCountsView(project=owner.name, counts=dict(found.counts), complete=found.complete), 200)
    return Reply(project_deletion_view(services.deletions.requests.request(call.by, owner, query.confirm)), 202)


@endpoints.add("GET", "/v1/project-deletions", Permission.PROJECTS_READ, answers={200: ProjectDeletionList})
def list_project_deletions(call: Call, services: Services) -> ProjectDeletionList:
    """Lists the deletions of projects that the caller may read, the newest first."""
    found = services.deletions.store.list(call.by.organization)
    return ProjectDeletionList(
        items=[project_deletion_view(one) for one in found if call.by.sees_within(one.organization, one.project)]
    )


@endpoints.add(
    "GET",
    "/v1/project-deletions/{deletion_id}",
    Permission.PROJECTS_READ,
    answers={200: ProjectDeletionView},
    errors=(404,),
)
def show_project_deletion(call: Call, services: Services, deletion_id: str) -> ProjectDeletionView:
    """Shows a deletion: how far it is, and what was removed."""
    found = services.deletions.store.get(call.by.organization, deletion_id)
    if not call.by.sees_within(found.organization, found.project):
        raise NotFound(f"There is no deletion {deletion_id!r} here.")
    return project_deletion_view(found)


def project_deletion_view(deletion: ProjectDeletion) -> ProjectDeletionView:
    return ProjectDeletionView(
        id=deletion.deletion_id,
        project=deletion.project,
        state=str(deletion.state),
        requested_at=deletion.requested_at,
        requested_by=deletion.requested_by,
        removes_from=deletion.removes_from,
        finished_at=deletion.finished_at,
        removed=dict(deletion.removed),
        remains=list(deletion.remains),
    )
