"""What is stored of a person, its erasure, and the certificates that remain."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import Call, Endpoints, Model
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.deletion.member_erasure import STAYS, MemberErasure

endpoints = Endpoints("erasures")


class ErasureQuery(Model):
    confirm: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="The member's id once more."
    )


class StoredPersonView(Model):
    """What is stored of a person, and what an erasure would leave."""

    member_id: str
    name: str | None = Field(description="Null if only tokens, grants or invitations are left of the member.")
    email: str | None
    counts: dict[str, int] = Field(description="What an erasure removes, by kind.")
    stays: list[str] = Field(description="What an erasure leaves, and why.")


class MemberErasureView(Model):
    """The certificate of an erasure: the record that remains of it. It has no name and no address."""

    id: str
    member_id: str
    requested_at: datetime
    requested_by: str = Field(description="The id of a member, a service account or a token.")
    finished_at: datetime | None = Field(description="Null if it was interrupted: repeat it.")
    removed: dict[str, int] = Field(description="What was removed, by kind.")
    stays: list[str] = Field(description="What was left, and why.")


class MemberErasureList(Model):
    items: list[MemberErasureView]
    next: str | None = None


@endpoints.add(
    "GET",
    "/v1/members/{member}/data",
    Permission.MEMBERS_ERASE,
    answers={200: StoredPersonView},
    errors=(404,),
    at="organization",
)
def show_member_data(call: Call, services: Services, member: str) -> StoredPersonView:
    """Shows what is stored of a member or former member; an erasure would remove it. Nothing is changed."""
    found = services.people.erase.look(organization_of(call.by, "see what is stored of members"), member)
    known = found.member or found.former
    return StoredPersonView(
        member_id=member,
        name=known.name if known else None,
        email=known.email if known else None,
        counts=found.counts,
        stays=list(STAYS),
    )


@endpoints.add(
    "DELETE",
    "/v1/members/{member}/data",
    Permission.MEMBERS_ERASE,
    answers={200: MemberErasureView},
    errors=(404, 409, 422),
    at="organization",
)
def erase_member(call: Call, services: Services, member: str, query: ErasureQuery) -> MemberErasureView:
    """Erases what is stored of a member or former member, and returns the certificate.

    The member is removed. Records keep its id, which leads to no name any more. Refused while a legal hold is on.
    """
    organization = organization_of(call.by, "erase members")
    return _view(services.people.erase.erase(call.by, organization, member, query.confirm))


@endpoints.add(
    "GET", "/v1/member-erasures", Permission.MEMBERS_READ, answers={200: MemberErasureList}, at="organization"
)
def list_member_erasures(call: Call, services: Services) -> MemberErasureList:
    """Lists the certificates of erasures, the newest first."""
    organization = organization_of(call.by, "see erasures")
    return MemberErasureList(items=[_view(one) for one in services.people.erasures.list(organization)])


@endpoints.add(
    "GET",
    "/v1/member-erasures/{erasure_id}",
    Permission.MEMBERS_READ,
    answers={200: MemberErasureView},
    errors=(404,),
    at="organization",
)
def show_member_erasure(call: Call, services: Services, erasure_id: str) -> MemberErasureView:
    """Shows the certificate of an erasure."""
    return _view(services.people.erasures.get(organization_of(call.by, "see erasures"), erasure_id))


def _view(erasure: MemberErasure) -> MemberErasureView:
    return MemberErasureView(
        id=erasure.erasure_id,
        member_id=erasure.member_id,
        requested_at=erasure.requested_at,
        requested_by=erasure.requested_by,
        finished_at=erasure.finished_at,
        removed=dict(erasure.removed),
        stays=list(STAYS),
    )
