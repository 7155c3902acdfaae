"""Users of a provisioning service (SCIM 2.0)."""

from typing import Any

from api.endpoint import Call, Reply
from api.scim_protocol import (
    PREFIX,
    PROVISION,
    USER,
    ScimBody,
    ScimEndpoints,
    ScimListQuery,
    ScimResourceQuery,
    listing,
    resource,
)
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.scim import USER_FILTERS, ScimUser
from cadence.domain.access.scim_filter import parse_filter

endpoints = ScimEndpoints("provisioning")


@endpoints.provide("GET", "Users")
def list_scim_users(call: Call, services: Services, query: ScimListQuery) -> Reply:
    """Lists users, or those that a filter finds."""
    organization = organization_of(call.by, PROVISION)
    found = services.people.scim_users.find(organization, parse_filter(query.filter or "", USER_FILTERS))
    return listing([_document(user) for user in found], query)


@endpoints.provide("POST", "Users", 201, errors=(409, 413, 415))
def create_scim_user(call: Call, services: Services, body: ScimBody) -> Reply:
    """Creates a user, who becomes a member."""
    created = services.people.scim_users.create(organization_of(call.by, PROVISION), body.document())
    return resource(_document(created), status=201)


@endpoints.provide("GET", "Users/{scim_user}", errors=(404,))
def show_scim_user(call: Call, services: Services, scim_user: str, query: ScimResourceQuery) -> Reply:
    """Shows a user."""
    return resource(_document(services.people.scim_users.get(organization_of(call.by, PROVISION), scim_user)), query)


@endpoints.provide("PUT", "Users/{scim_user}", errors=(404, 409, 413, 415))
def replace_scim_user(call: Call, services: Services, scim_user: str, body: ScimBody) -> Reply:
    """Replaces a user. One who is no longer active is removed as a member."""
    changed = services.people.scim_users.replace(organization_of(call.by, PROVISION), scim_user, body.document())
    return resource(_document(changed))


@endpoints.provide("PATCH", "Users/{scim_user}", errors=(404, 409, 413, 415))
def patch_scim_user(call: Call, services: Services, scim_user: str, body: ScimBody) -> Reply:
    """Changes a user. One who is no longer active is removed as a member."""
    operations = body.document().get("Operations")
    changed = services.people.scim_users.patch(organization_of(call.by, PROVISION), scim_user, operations)
    return resource(_document(changed))


@endpoints.provide("DELETE", "Users/{scim_user}", 204, errors=(404,))
def delete_scim_user(call: Call, services: Services, scim_user: str) -> Reply:
    """Deletes a user, who is removed as a member."""
    services.people.scim_users.delete(organization_of(call.by, PROVISION), scim_user)
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
            "location": f"{PREFIX}/Users/{user.user_id}",
        },
    }
