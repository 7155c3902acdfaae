"""The retention of a project's lines and values."""

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model
from cadence.application.values.manage_retention import Retention
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("retention")


class RetentionBody(Body):
    days: int | None = Field(description="1 to what the installation keeps; null: as long as the installation does.")


class RetentionView(Model):
    """`days` is what applies, `own` what was set for the project, `longest` the installation's limit."""

    days: int
    own: int | None
    longest: int
    holds: int = Field(description="Legal holds that are on: what they cover is kept whatever the days are.")


@endpoints.add(
    "GET", "/v1/projects/{project}/retention", Permission.PROJECTS_READ, answers={200: RetentionView}, errors=(404,)
)
def show_retention(call: Call, services: Services, project: str) -> RetentionView:
    """Shows how many days lines can be found, and lines and values are kept."""
    services.project(call.by, project)
    return _view(call, services, project, services.retention.get(call.by.organization, project))


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/retention",
    Permission.PROJECTS_WRITE,
    answers={200: RetentionView},
    errors=(404, 413, 415, 422),
)
def put_retention(call: Call, services: Services, project: str, body: RetentionBody) -> RetentionView:
    """Sets how many days a project's lines and values are kept after the end of their run.

    Older ones can no longer be found at once, and are removed within hours; they cannot be restored.
    """
    services.project(call.by, project)
    return _view(call, services, project, services.retention.put(call.by.organization, project, body.days))


def _view(call: Call, services: Services, project: str, retention: Retention) -> RetentionView:
    holds = sum(hold.on for hold in services.deletions.holds.list(call.by.organization, project))
    return RetentionView(days=retention.days, own=retention.own, longest=retention.longest, holds=holds)
