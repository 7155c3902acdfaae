"""The caller itself."""

from pydantic import Field

from api.endpoint import ANY_TOKEN, Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("people")


class SelfGrantView(Model):
    subject: str
    role: str
    scope: str


class SelfView(Model):
    organization: str
    subject: str | None = Field(description="`member:ID` or `service-account:NAME`; null for a token of its own.")
    name: str
    token_id: str
    project: str = Field(description="The project that the token is limited to, or `*`.")
    permissions: list[str] = Field(description="Permissions that the token is limited to, or `*`.")
    held: list[str] = Field(description="The permissions that it has anywhere, by the token and its subject's grants.")
    grants: list[SelfGrantView] | None = Field(description="What is granted to the subject; null for no subject.")


@endpoints.add("GET", "/v1/self", ANY_TOKEN, answers={200: SelfView})
def show_self(call: Call, services: Services) -> SelfView:
    """Shows whom the token stands for, and what it may do."""
    by = call.by
    grants = (
        None
        if by.rights is None
        else [SelfGrantView(subject=right.subject, role=right.role, scope=str(right.scope)) for right in by.rights]
    )
    return SelfView(
        organization=by.organization,
        subject=by.subject,
        name=by.name,
        token_id=by.token_id,
        project=by.project,
        permissions=sorted(by.permissions),
        held=sorted(permission for permission in Permission if by.may(permission)),
        grants=grants,
    )
