"""The storage quota of a project's values."""

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model
from cadence.application.values.storage import ProjectStorage
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.values.storage import MEBIBYTE

endpoints = Endpoints("storage")


class StorageBody(Body):
    mebibytes: int | None = Field(description="1 to what the installation allows; null: as much as that.")


class StorageView(Model):
    """Sizes in bytes: `limit` is what applies, `own` what was set for the project, `most` the installation's limit."""

    used: int = Field(description="What the values of the project's runs take.")
    limit: int
    own: int | None
    most: int


@endpoints.add(
    "GET", "/v1/projects/{project}/storage", Permission.PROJECTS_READ, answers={200: StorageView}, errors=(404,)
)
def show_storage(call: Call, services: Services, project: str) -> StorageView:
    """Shows how much the values of a project's runs take, and how much they may take."""
    services.project(call.by, project)
    return _view(services.storage.get(call.by.organization, project))


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/storage",
    Permission.PROJECTS_WRITE,
    answers={200: StorageView},
    errors=(404, 413, 415, 422),
)
def put_storage(call: Call, services: Services, project: str, body: StorageBody) -> StorageView:
    """Sets how much the values of a project's runs may take. A treatment that would exceed it fails, and says so.

    Values that are kept already stay, also if they take more.
    """
    services.project(call.by, project)
    limit = None if body.mebibytes is None else body.mebibytes * MEBIBYTE
    return _view(services.storage.put(call.by.organization, project, limit))


def _view(storage: ProjectStorage) -> StorageView:
    return StorageView(used=storage.used, limit=storage.limit, own=storage.own, most=storage.most)
