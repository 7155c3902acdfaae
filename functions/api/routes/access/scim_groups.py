"""Groups of a provisioning service (SCIM 2.0)."""

from typing import Any

from api.endpoint import Call, Reply
from api.scim_protocol import (
    GROUP,
    PREFIX,
    PROVISION,
    ScimBody,
    ScimEndpoints,
    ScimListQuery,
    ScimResourceQuery,
    listing,
    resource,
)
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.scim import GROUP_FILTERS, ScimGroup
from cadence.domain.access.scim_filter import parse_filter

endpoints = ScimEndpoints("provisioning")


@endpoints.provide("GET", "Groups")
def list_scim_groups(call: Call, services: Services, query: ScimListQuery) -> Reply:
    """Lists groups, or those that a filter finds."""
    organization = organization_of(call.by, PROVISION)
    found = services.people.scim_groups.find(organization, parse_filter(query.filter or "", GROUP_FILTERS))
    return listing([_document(group) for group in found], query)


@endpoints.provide("POST", "Groups", 201, errors=(409, 413, 415))
def create_scim_group(call: Call, services: Services, body: ScimBody) -> Reply:
    """Creates a group. Teams that follow it get its members."""
    created = services.people.scim_groups.create(organization_of(call.by, PROVISION), body.document())
    return resource(_document(created), status=201)


@endpoints.provide("GET", "Groups/{scim_group}", errors=(404,))
def show_scim_group(call: Call, services: Services, scim_group: str, query: ScimResourceQuery) -> Reply:
    """Shows a group."""
    return resource(_document(services.people.scim_groups.get(organization_of(call.by, PROVISION), scim_group)), query)


@endpoints.provide("PUT", "Groups/{scim_group}", errors=(404, 409, 413, 415))
def replace_scim_group(call: Call, services: Services, scim_group: str, body: ScimBody) -> Reply:
    """Replaces a group."""
    changed = services.people.scim_groups.replace(organization_of(call.by, PROVISION), scim_group, body.document())
    return resource(_document(changed))


@endpoints.provide("PATCH", "Groups/{scim_group}", errors=(404, 409, 413, 415))
def patch_scim_group(call: Call, services: Services, scim_group: str, body: ScimBody) -> Reply:
    """Changes a group."""
    operations = body.document().get("Operations")
    changed = services.people.scim_groups.patch(organization_of(call.by, PROVISION), scim_group, operations)
    return resource(_document(changed))


@endpoints.provide("DELETE", "Groups/{scim_group}", 204, errors=(404,))
def delete_scim_group(call: Call, services: Services, scim_group: str) -> Reply:
    """Deletes a group. Its members leave the teams that follow it."""
    services.people.scim_groups.delete(organization_of(call.by, PROVISION), scim_group)
    return Reply(None, 204)


def _document(group: ScimGroup) -> dict[str, Any]:
    document = group.document()
    members = [{**member, "$ref": f"{PREFIX}/Users/{member['value']}"} for member in document["members"]]
    return {
        "schemas": [GROUP],
        "id": group.group_id,
        "displayName": document["displayName"],
        **({"externalId": group.external_id} if group.external_id else {}),
        "members": members,
        "meta": {
            "resourceType": "Group",
            "created": group.created_at.isoformat(),
            "lastModified": group.changed_at.isoformat(),
            "location": f"{PREFIX}/Groups/{group.group_id}",
        },
    }
