"""Users of a provisioning service (SCIM 2.0)."""

from typing import Any

from api.endpoint import Call, Endpoints, Reply
from api.routes.access.scim_service import provisioned
from api.scim_protocol import (
    PREFIX,
    SCIM_JSON,
    USER,
    ScimBody,
    ScimDocument,
    ScimListQuery,
    ScimResourceQuery,
    listing,
    resource,
)
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.scim import USER_FILTERS, ScimUser
from cadence.domain.access.scim_filter import parse_filter

endpoints = Endpoints("provisioning")

_USERS = f"{PREFIX}/Users"
_USER = f"{_USERS}/{{scim_user}}"


@endpoints.add(
    "GET",
    _USERS,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    content_type=SCIM_JSON,
    at="organization",
)
def list_scim_users(call: Call, services: Services, query: ScimListQuery) -> Reply:
    """Lists users, or those that a filter finds."""
    organization = provisioned(call.by)
    found = services.people.scim_users.find(organization, parse_filter(query.filter or "", USER_FILTERS))
    return listing([_document(user) for user in found], query)


@endpoints.add(
    "POST",
    _USERS,
    Permission.SCIM_PROVISION,
    answers={201: ScimDocument},
    errors=(409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def create_scim_user(call: Call, services: Services, body: ScimBody) -> Reply:
    """Creates a user, who becomes a member."""
    created = services.people.scim_users.create(provisioned(call.by), body.document())
    return resource(_document(created), status=201)


@endpoints.add(
    "GET",
    _USER,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404,),
    content_type=SCIM_JSON,
    at="organization",
)
def show_scim_user(call: Call, services: Services, scim_user: str, query: ScimResourceQuery) -> Reply:
    """Shows a user."""
    return resource(_document(services.people.scim_users.get(provisioned(call.by), scim_user)), query)


@endpoints.add(
    "PUT",
    _USER,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404, 409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def replace_scim_user(call: Call, services: Services, scim_user: str, body: ScimBody) -> Reply:
    """Replaces a user. One who is no longer active is removed as a member."""
    changed = services.people.scim_users.replace(provisioned(call.by), scim_user, body.document())
    return resource(_document(changed))


@endpoints.add(
    "PATCH",
    _USER,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404, 409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def patch_scim_user(call: Call, services: Services, scim_user: str, body: ScimBody) -> Reply:
    """Changes a user. One who is no longer active is removed as a member."""
    operations = body.document().get("Operations")
    changed = services.people.scim_users.patch(provisioned(call.by), scim_user, operations)
    return resource(_document(changed))


@endpoints.add(
    "DELETE",
    _USER,
    Permission.SCIM_PROVISION,
    answers={204: None},
    errors=(404,),
    content_type=SCIM_JSON,
    at="organization",
)
def delete_scim_user(call: Call, services: Services, scim_user: str) -> Reply:
    """Deletes a user, who is removed as a member."""
    services.people.scim_users.delete(provisioned(call.by), scim_user)
    return Reply(None, 204)


def _document(user: ScimUser) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "id": user.user_id,
        **user.attributes.document(),
        "meta": {
            "resourceType": "User",
            "created": user.created_at.isoformat(),
            "lastModified": user.changed_at.isoformat(),
            "location": f"{_USERS}/{user.user_id}",
        },
    }
