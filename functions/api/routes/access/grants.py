"""Roles, grants, and why somebody may do something."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.routes.access.organizations import PermissionName
from api.shapes import Name
from api.visibility import organization_of
from cadence.application.access.approver_names import subject_named
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PERMISSIONS, Permission
from cadence.domain.access.decisions import AccessAllowed, Right
from cadence.domain.access.people import SUBJECT_PATTERN, Grant
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import SCOPE_PATTERN, Scope
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation

endpoints = Endpoints("people")

_ADDRESS = r"[^@\s]{1,128}@[^@\s]{1,190}"
_SUBJECT = rf"^(?:{SUBJECT_PATTERN[1:-1]}|{_ADDRESS})$"


def _matching(pattern: str, code: Literal["bad_subject", "bad_scope"], message: str) -> AfterValidator:
    """Checks a text against a pattern, and refuses it in words."""

    def checked(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise PydanticCustomError(code, message)
        return text

    return AfterValidator(checked)


SubjectText = Annotated[
    str,
    _matching(
        _SUBJECT,
        "bad_subject",
        "Not a subject. Write member:ID, the e-mail address of a member, team:NAME or service-account:NAME, for example "
        "team:dev.",
    ),
    Field(json_schema_extra={"pattern": _SUBJECT}),
]
ScopeText = Annotated[
    str,
    _matching(
        SCOPE_PATTERN,
        "bad_scope",
        "Not a scope. Write organization, project:PROJECT, pipeline:PROJECT/PIPELINE, environment:PROJECT/ENVIRONMENT or "
        "pool:POOL, for example project:web or pipeline:web/build.",
    ),
    Field(json_schema_extra={"pattern": SCOPE_PATTERN}),
]


class RoleView(Model):
    name: str
    built_in: bool
    permissions: list[str]


class RoleList(Model):
    items: list[RoleView]
    next: str | None = None


class RoleBody(Body):
    permissions: Annotated[list[PermissionName], Field(min_length=1, max_length=100)]


class GrantView(Model):
    grant_id: str
    subject: str
    role: str
    scope: str
    created_at: datetime
    created_by: str


class GrantList(Model):
    items: list[GrantView]
    next: str | None = None


class GrantBody(Body):
    """`subject` gets `role` at `scope` and at everything inside of it."""

    subject: SubjectText = Field(
        description="`member:ID`, the e-mail address of a member, `team:NAME` or `service-account:NAME`."
    )
    role: Name
    scope: ScopeText = Field(
        description="`organization`, `project:P`, `pipeline:P/NAME`, `environment:P/NAME` or `pool:NAME`."
    )


class GrantsQuery(Model):
    subject: SubjectText | None = Field(None, description="Only grants to this subject itself.")
    scope: ScopeText | None = Field(None, description="Only grants at this scope itself.")


class ExplainQuery(Model):
    subject: SubjectText = Field(
        description="`member:ID`, the e-mail address of a member, `team:NAME` or `service-account:NAME`."
    )
    permission: str = Field(max_length=60, description="A permission such as `runs:start`.")
    thing: ScopeText = Field(description="A scope, such as `pipeline:web/build`.")


class RightView(Model):
    grant_id: str
    subject: str = Field(description="The member itself, or the team through which it has the grant.")
    role: str
    scope: str
    permitted: bool = Field(description="Whether the role has the permission.")
    covered: bool = Field(description="Whether the scope covers the thing.")


class ExplanationView(Model):
    decision: Literal["allowed", "refused"]
    reason: str
    grants: list[RightView] = Field(description="The grant that allows it, or those that come nearest.")


@endpoints.add("GET", "/v1/roles", Permission.ROLES_READ, answers={200: RoleList})
def list_roles(call: Call, services: Services) -> RoleList:
    """Lists the built-in roles and the organization's own."""
    own = services.people.store.get_policy(call.by.organization).roles
    items = [_role(name, permissions) for name, permissions in BUILT_IN_ROLES.items()]
    return RoleList(items=[*items, *(_role(name, own[name]) for name in sorted(own))])


@endpoints.add("GET", "/v1/roles/{role}", Permission.ROLES_READ, answers={200: RoleView}, errors=(404,))
def show_role(call: Call, services: Services, role: str) -> RoleView:
    """Shows a role with its permissions."""
    permissions = services.people.store.get_policy(call.by.organization).permissions(role)
    if not permissions:
        raise NotFound(f"There is no role {role!r} here.")
    return _role(role, permissions)


@endpoints.add(
    "PUT",
    "/v1/roles/{role}",
    Permission.ROLES_WRITE,
    answers={200: RoleView, 201: RoleView},
    errors=(404, 409, 413, 415, 422),
    at="organization",
)
def put_role(call: Call, services: Services, role: str, body: RoleBody) -> Reply:
    """Creates or changes an own role; its grants change with it. It can have only what the caller holds."""
    organization_of(call.by, "change roles")
    check_name("role", role)
    if ALL_PERMISSIONS in body.permissions:
        message = "A role names its permissions one by one."
        raise InvalidRequest(message, [Violation("/permissions", message, "unknown_permission")])
    permissions = frozenset(body.permissions)
    new = services.people.roles.put_role(call.by, role, permissions)
    return Reply(_role(role, permissions), 201 if new else 200)


@endpoints.add(
    "DELETE",
    "/v1/roles/{role}",
    Permission.ROLES_WRITE,
    answers={204: None},
    errors=(404, 409),
    at="organization",
)
def delete_role(call: Call, services: Services, role: str) -> Reply:
    """Deletes an own role that is not granted."""
    organization_of(call.by, "delete roles")
    services.people.roles.delete_role(call.by, role)
    return Reply(None)


@endpoints.add("GET", "/v1/grants", Permission.GRANTS_READ, answers={200: GrantList}, errors=(404, 422))
def list_grants(call: Call, services: Services, query: GrantsQuery) -> GrantList:
    """Lists the grants at the scopes at which the caller may read them."""
    store = services.people.store
    subject = query.subject and str(subject_named(store, call.by, query.subject))
    grants = store.get_policy(call.by.organization).grants
    return GrantList(
        items=[
            _grant(grant)
            for grant in grants
            if call.by.covers(grant.scope)
            and subject in (None, str(grant.subject))
            and query.scope in (None, str(grant.scope))
        ]
    )


@endpoints.add(
    "POST",
    "/v1/grants",
    Permission.GRANTS_WRITE,
    answers={201: GrantView, 200: GrantView},
    errors=(404, 413, 415, 422),
)
def create_grant(call: Call, services: Services, body: GrantBody) -> Reply:
    """Grants a role at a scope. Needs every permission of the role there. The same grant twice is one (200)."""
    scope, roles = Scope.parse(body.scope), services.people.roles
    roles.check_grantable(call.by, body.role, scope)  # before addresses are looked up
    grant, new = roles.grant(call.by, subject_named(services.people.store, call.by, body.subject), body.role, scope)
    return Reply(_grant(grant), 201 if new else 200)


@endpoints.add("DELETE", "/v1/grants/{grant}", Permission.GRANTS_WRITE, answers={204: None}, errors=(404,))
def delete_grant(call: Call, services: Services, grant: str) -> Reply:
    """Deletes a grant, from now on."""
    services.people.roles.revoke(call.by, grant)
    return Reply(None)


@endpoints.add(
    "GET", "/v1/grants/explanation", Permission.GRANTS_READ, answers={200: ExplanationView}, errors=(404, 422)
)
def explain_access(call: Call, services: Services, query: ExplainQuery) -> ExplanationView:
    """Explains why a subject has a permission at a scope: the grant that allows it, or those that come nearest."""
    thing = Scope.parse(query.thing)
    if query.permission not in set(Permission):
        message = f"There is no permission {query.permission!r}. There are: {', '.join(sorted(Permission))}."
        raise InvalidRequest(message, [Violation("permission", message, "unknown_permission")])
    if not call.by.covers(thing):
        raise NotFound(f"There is no {thing} here.")
    subject = subject_named(services.people.store, call.by, query.subject)
    decision = services.people.explain.explain(call.by.organization, subject, query.permission, thing)
    if isinstance(decision, AccessAllowed):
        right = decision.by
        reason = f"The role {right.role}, granted to {right.subject} at {right.scope}, allows it."
        return ExplanationView(decision="allowed", reason=reason, grants=[_right(right, query.permission, thing)])
    nearest = [_right(right, query.permission, thing) for right in decision.nearest]
    return ExplanationView(decision="refused", reason=decision.reason, grants=nearest)


def _role(name: str, permissions: frozenset[str]) -> RoleView:
    return RoleView(name=name, built_in=name in BUILT_IN_ROLES, permissions=sorted(permissions))


def _grant(grant: Grant) -> GrantView:
    return GrantView(
        grant_id=grant.grant_id,
        subject=str(grant.subject),
        role=grant.role,
        scope=str(grant.scope),
        created_at=grant.created_at,
        created_by=grant.created_by,
    )


def _right(right: Right, permission: str, thing: Scope) -> RightView:
    return RightView(
        grant_id=right.grant_id,
        subject=right.subject,
        role=right.role,
        scope=str(right.scope),
        permitted=right.has(permission),
        covered=right.scope.covers(thing),
    )
