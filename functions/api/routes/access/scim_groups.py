"""Groups of a provisioning service (SCIM 2.0)."""

from typing import Any

from api.endpoint import Call, Endpoints, Reply
from api.routes.access.scim_service import provisioned
from api.scim_protocol import (
    GROUP,
    PREFIX,
    SCIM_JSON,
    ScimBody,
    ScimDocument,
    ScimListQuery,
    ScimResourceQuery,
    listing,
    resource,
)
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.scim import GROUP_FILTERS, ScimGroup
from cadence.domain.access.scim_filter import parse_filter

endpoints = Endpoints("provisioning")

_GROUPS = f"{PREFIX}/Groups"
_GROUP = f"{_GROUPS}/{{scim_group}}"


@endpoints.add(
    "GET",
    _GROUPS,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    content_type=SCIM_JSON,
    at="organization",
)
def list_scim_groups(call: Call, services: Services, query: ScimListQuery) -> Reply:
    """Lists groups, or those that a filter finds."""
    organization = provisioned(call.by)
    found = services.people.scim_groups.find(organization, parse_filter(query.filter or "", GROUP_FILTERS))
    return listing([_document(group) for group in found], query)


@endpoints.add(
    "POST",
    _GROUPS,
    Permission.SCIM_PROVISION,
    answers={201: ScimDocument},
    errors=(409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def create_scim_group(call: Call, services: Services, body: ScimBody) -> Reply:
    """Creates a group. Teams that follow it get its members."""
    created = services.people.scim_groups.create(provisioned(call.by), body.document())
    return resource(_document(created), status=201)


@endpoints.add(
    "GET",
    _GROUP,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404,),
    content_type=SCIM_JSON,
    at="organization",
)
def show_scim_group(call: Call, services: Services, scim_group: str, query: ScimResourceQuery) -> Reply:
    """Shows a group."""
    return resource(_document(services.people.scim_groups.get(provisioned(call.by), scim_group)), query)


@endpoints.add(
    "PUT",
    _GROUP,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404, 409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def replace_scim_group(call: Call, services: Services, scim_group: str, body: ScimBody) -> Reply:
    """Replaces a group."""
    changed = services.people.scim_groups.replace(provisioned(call.by), scim_group, body.document())
    return resource(_document(changed))


@endpoints.add(
    "PATCH",
    _GROUP,
    Permission.SCIM_PROVISION,
    answers={200: ScimDocument},
    errors=(404, 409, 413, 415),
    content_type=SCIM_JSON,
    at="organization",
)
def patch_scim_group(call: Call, services: Services, scim_group: str, body: ScimBody) -> Reply:
    """Changes a group."""
    operations = body.document().get("Operations")
    changed = services.people.scim_groups.patch(provisioned(call.by), scim_group, operations)
    return resource(_document(changed))


@endpoints.add(
    "DELETE",
    _GROUP,
    Permission.SCIM_PROVISION,
    answers={204: None},
    errors=(404,),
    content_type=SCIM_JSON,
    at="organization",
)
def delete_scim_group(call: Call, services: Services, scim_group: str) -> Reply:
    """Deletes a group. Its members leave the teams that follow it."""
    services.people.scim_groups.delete(provisioned(call.by), scim_group)
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
            "location": f"{_GROUPS}/{group.group_id}",
        },
    }
