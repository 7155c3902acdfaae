"""What could not be handled and was set aside: look at it, have it tried again, or discard it."""

import base64
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.shapes import Name
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.dead_letters.dead_letter import DeadLetter, DeadLetterKind

endpoints = Endpoints("aside")

_MOST_BYTES = 64 * 1024

Kind = Literal["segment", "record", "export", "message"]


class AsideView(Model):
    """`project` is `*` for what belongs to the organization, `cause` why it is here."""

    id: str
    kind: str
    project: str
    at: datetime
    what: str
    cause: str


class AsideList(Model):
    items: list[AsideView] = Field(description="The oldest first, at most 1,000 of each kind.")
    next: str | None = None


class AsideContentView(AsideView):
    content: str = Field(description="Its first 64 KiB: lines of a segment, a record as it came, JSON of the others.")
    encoding: Literal["utf-8", "base64"]


class AsideQuery(Model):
    kind: Kind | None = None
    project: Name | None = None


@endpoints.add("GET", "/v1/aside", Permission.ASIDE_READ, answers={200: AsideList}, errors=(404, 422))
def list_aside(call: Call, services: Services, query: AsideQuery) -> AsideList:
    """Segments that could not be indexed, records of the log stream that could not be read, and what receivers of exports and
    channels of alerts refused for good, of the projects that the token sees."""
    if query.project is not None:
        services.project(call.by, query.project)
    kind = DeadLetterKind(query.kind) if query.kind else None

    def sees(project: str) -> bool:
        return query.project in (None, project) and call.by.sees(call.by.organization, project)

    return AsideList(items=[_view(one) for one in services.aside.list(call.by.organization, sees, kind)])


@endpoints.add("GET", "/v1/aside/{aside_id}", Permission.ASIDE_READ, answers={200: AsideContentView}, errors=(404,))
def show_aside(call: Call, services: Services, aside_id: str) -> AsideContentView:
    """One of them, with what it holds."""
    found = _found(call, services, aside_id)
    content = services.aside.content(call.by.organization, found, _MOST_BYTES)
    view = _view(found).model_dump()
    try:
        return AsideContentView(**view, content=content.decode(), encoding="utf-8")
    except UnicodeDecodeError:
        return AsideContentView(**view, content=base64.b64encode(content).decode(), encoding="base64")


@endpoints.add(
    "POST",
    "/v1/aside/{aside_id}/redrive",
    Permission.ASIDE_WRITE,
    answers={202: AsideView},
    errors=(404,),
    audited=True,
)
def redrive_aside(call: Call, services: Services, aside_id: str) -> AsideView:
    """Have it tried once more. It leaves the list when that succeeds; what fails again stays, with the new cause."""
    found = _found(call, services, aside_id)
    services.aside.redrive(call.by.organization, found)
    return _view(found)


@endpoints.add(
    "DELETE", "/v1/aside/{aside_id}", Permission.ASIDE_WRITE, answers={204: None}, errors=(404,), audited=True
)
def discard_aside(call: Call, services: Services, aside_id: str) -> Reply:
    """Remove it for good."""
    services.aside.discard(call.by.organization, _found(call, services, aside_id))
    return Reply(None)


def _found(call: Call, services: Services, aside_id: str) -> DeadLetter:
    return services.aside.get(
        call.by.organization, lambda project: call.by.sees(call.by.organization, project), aside_id
    )


def _view(aside: DeadLetter) -> AsideView:
    return AsideView(
        id=aside.aside_id,
        kind=str(aside.kind),
        project=aside.project,
        at=aside.at,
        what=aside.what,
        cause=aside.cause,
    )
