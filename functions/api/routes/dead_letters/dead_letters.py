"""Dead letters: log segments, records, exports and messages of alerts that could not be processed."""

import base64
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.shapes import Name
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.dead_letters.dead_letter import DeadLetter, DeadLetterKind

endpoints = Endpoints("dead-letters")

_MOST_BYTES = 64 * 1024

Kind = Literal["segment", "record", "export", "message"]


class DeadLetterView(Model):
    """`project` is `*` for a dead letter of the organization; `cause` states why it could not be processed."""

    id: str
    kind: str
    project: str
    at: datetime
    what: str
    cause: str


class DeadLetterList(Model):
    items: list[DeadLetterView] = Field(description="Dead letters, oldest first, at most 1,000 of each kind.")
    next: str | None = None


class DeadLetterContentView(DeadLetterView):
    content: str = Field(
        description="The first 64 KiB: the lines of a segment, the bytes of a record, JSON for other kinds."
    )
    encoding: Literal["utf-8", "base64"]


class DeadLetterQuery(Model):
    kind: Kind | None = None
    project: Name | None = None


@endpoints.add(
    "GET", "/v1/dead-letters", Permission.DEAD_LETTERS_READ, answers={200: DeadLetterList}, errors=(404, 422)
)
def list_dead_letters(call: Call, services: Services, query: DeadLetterQuery) -> DeadLetterList:
    """Lists dead letters of the projects that the token may read.

    These are segments that could not be indexed, records of the log stream that could not be read, and deliveries that
    receivers of exports or channels of alerts refused for good.
    """
    if query.project is not None:
        services.project(call.by, query.project)
    kind = DeadLetterKind(query.kind) if query.kind else None

    def sees(project: str) -> bool:
        return query.project in (None, project) and call.by.sees(call.by.organization, project)

    return DeadLetterList(items=[_view(one) for one in services.dead_letters.list(call.by.organization, sees, kind)])


@endpoints.add(
    "GET",
    "/v1/dead-letters/{dead_letter_id}",
    Permission.DEAD_LETTERS_READ,
    answers={200: DeadLetterContentView},
    errors=(404,),
    audit=AuditKind.VALUE,
)
def show_dead_letter(call: Call, services: Services, dead_letter_id: str) -> DeadLetterContentView:
    """Shows one dead letter with its content."""
    dead_letter = _dead_letter(call, services, dead_letter_id)
    content = services.dead_letters.content(call.by.organization, dead_letter, _MOST_BYTES)
    view = _view(dead_letter).model_dump()
    try:
        return DeadLetterContentView(**view, content=content.decode(), encoding="utf-8")
    except UnicodeDecodeError:
        return DeadLetterContentView(**view, content=base64.b64encode(content).decode(), encoding="base64")


@endpoints.add(
    "POST",
    "/v1/dead-letters/{dead_letter_id}/redrive",
    Permission.DEAD_LETTERS_WRITE,
    answers={202: DeadLetterView},
    errors=(404,),
)
def redrive_dead_letter(call: Call, services: Services, dead_letter_id: str) -> DeadLetterView:
    """Processes a dead letter again. It is removed if that succeeds, and stays with the new cause if it fails again."""
    dead_letter = _dead_letter(call, services, dead_letter_id)
    services.dead_letters.redrive(call.by.organization, dead_letter)
    return _view(dead_letter)


@endpoints.add(
    "DELETE",
    "/v1/dead-letters/{dead_letter_id}",
    Permission.DEAD_LETTERS_WRITE,
    answers={204: None},
    errors=(404,),
)
def discard_dead_letter(call: Call, services: Services, dead_letter_id: str) -> Reply:
    """Removes a dead letter for good."""
    services.dead_letters.discard(call.by.organization, _dead_letter(call, services, dead_letter_id))
    return Reply(None)


def _dead_letter(call: Call, services: Services, dead_letter_id: str) -> DeadLetter:
    return services.dead_letters.get(
        call.by.organization, lambda project: call.by.sees(call.by.organization, project), dead_letter_id
    )


def _view(dead_letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        id=dead_letter.dead_letter_id,
        kind=str(dead_letter.kind),
        project=dead_letter.project,
        at=dead_letter.at,
        what=dead_letter.what,
        cause=dead_letter.cause,
    )
