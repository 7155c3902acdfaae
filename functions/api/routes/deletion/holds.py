"""Legal holds on projects and runs."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("holds")


class LegalHoldBody(Body):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="Why nothing may be deleted, such as the number of a case."
    )
    run_id: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="A run of the project; null holds the whole project."
    )


class LegalHoldView(Model):
    """A legal hold: while it is on, nothing of its project or run is deleted."""

    id: str
    project: str
    run_id: str | None = Field(description="The run that is held; null: the whole project.")
    reason: str
    set_at: datetime
    set_by: str = Field(description="The id of a member, a service account or a token.")
    released_at: datetime | None = Field(description="Null while it is on.")
    released_by: str | None
    renewed_at: datetime | None = Field(
        description="When everything that it covers was last kept from expiring; null until that was done once."
    )


class LegalHoldList(Model):
    items: list[LegalHoldView]
    next: str | None = None


@endpoints.add(
    "GET", "/v1/projects/{project}/holds", Permission.PROJECTS_READ, answers={200: LegalHoldList}, errors=(404,)
)
def list_holds(call: Call, services: Services, project: str) -> LegalHoldList:
    """Lists the legal holds on a project and its runs, released ones too, the newest first."""
    owner = services.project(call.by, project)
    return LegalHoldList(items=[_view(one) for one in services.deletions.holds.list(owner.organization, owner.name)])


@endpoints.add(
    "POST",
    "/v1/projects/{project}/holds",
    Permission.PROJECTS_HOLD,
    answers={201: LegalHoldView},
    errors=(404, 409, 413, 415, 422),
)
def set_hold(call: Call, services: Services, project: str, body: LegalHoldBody) -> LegalHoldView:
    """Sets a legal hold on a project, or on one run of it.

    While it is on, the project cannot be deleted, and no retention removes what is held.
    """
    owner = services.project(call.by, project)
    if body.run_id is not None:
        run = services.visible.get(call.by, body.run_id)
        if run.project != owner.name:
            raise NotFound(f"Project {owner.name} has no run {body.run_id!r}.")
    return _view(services.deletions.holds.set(call.by, owner, body.reason, body.run_id))


@endpoints.add(
    "DELETE",
    "/v1/projects/{project}/holds/{hold_id}",
    Permission.PROJECTS_HOLD,
    answers={200: LegalHoldView},
    errors=(404, 409),
)
def release_hold(call: Call, services: Services, project: str, hold_id: str) -> LegalHoldView:
    """Releases a legal hold. Its record stays; what it held expires again as everything else does."""
    owner = services.project(call.by, project)
    return _view(services.deletions.holds.release(call.by, owner, hold_id))


def _view(hold: LegalHold) -> LegalHoldView:
    return LegalHoldView(
        id=hold.hold_id,
        project=hold.project,
        run_id=hold.run_id,
        reason=hold.reason,
        set_at=hold.set_at,
        set_by=hold.set_by,
        released_at=hold.released_at,
        released_by=hold.released_by,
        renewed_at=hold.renewed_at,
    )
