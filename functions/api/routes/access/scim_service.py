"""What a provisioning service asks about this one (SCIM 2.0): abilities, kinds of resources, their schemas."""

from typing import Any

from api.endpoint import Call, Reply
from api.scim_protocol import (
    GROUP,
    MOST_RESULTS,
    PREFIX,
    PROVISION,
    USER,
    ScimEndpoints,
    listing,
    resource,
)
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.shared.errors import NotFound

endpoints = ScimEndpoints("provisioning")

_SCHEMA_OF = "urn:ietf:params:scim:schemas:core:2.0"


def _attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": name,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        **more,
    }


_SCHEMAS: dict[str, dict[str, Any]] = {
    USER: {
        "schemas": [f"{_SCHEMA_OF}:Schema"],
        "id": USER,
        "name": "User",
        "description": "A person, who is a member while the user is active.",
        "attributes": [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("displayName"),
            _attribute(
                "name",
                "complex",
                subAttributes=[_attribute(name) for name in ("formatted", "familyName", "givenName")],
            ),
            _attribute("active", "boolean"),
            _attribute(
                "emails",
                "complex",
                multiValued=True,
                subAttributes=[_attribute("value"), _attribute("type"), _attribute("primary", "boolean")],
            ),
        ],
        "meta": {"resourceType": "Schema", "location": f"{PREFIX}/Schemas/{USER}"},
    },
    GROUP: {
        "schemas": [f"{_SCHEMA_OF}:Schema"],
        "id": GROUP,
        "name": "Group",
        "description": "A group, which teams follow by its display name or external id.",
        "attributes": [
            _attribute("displayName", required=True, uniqueness="server"),
            _attribute(
                "members",
                "complex",
                multiValued=True,
                subAttributes=[
                    _attribute("value", mutability="immutable"),
                    _attribute("$ref", "reference", referenceTypes=["User"], mutability="immutable"),
                ],
            ),
        ],
        "meta": {"resourceType": "Schema", "location": f"{PREFIX}/Schemas/{GROUP}"},
    },
}
_RESOURCE_TYPES: dict[str, dict[str, Any]] = {
    name: {
        "schemas": [f"{_SCHEMA_OF}:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": f"/{name}s",
        "description": _SCHEMAS[schema]["description"],
        "schema": schema,
        "meta": {"resourceType": "ResourceType", "location": f"{PREFIX}/ResourceTypes/{name}"},
    }
    for name, schema in (("User", USER), ("Group", GROUP))
}
_ABILITIES: dict[str, Any] = {
    "schemas": [f"{_SCHEMA_OF}:ServiceProviderConfig"],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": True, "maxResults": MOST_RESULTS},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": False},
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": f"A token with the permission {Permission.SCIM_PROVISION} for the organization.",
            "primary": True,
        }
    ],
    "meta": {"resourceType": "ServiceProviderConfig", "location": f"{PREFIX}/ServiceProviderConfig"},
}


@endpoints.provide("GET", "ServiceProviderConfig")
def show_scim_abilities(call: Call, services: Services) -> Reply:
    """Shows which parts of SCIM are supported."""
    organization_of(call.by, PROVISION)
    return resource(_ABILITIES)


@endpoints.provide("GET", "ResourceTypes")
def list_scim_resource_types(call: Call, services: Services) -> Reply:
    """Lists the kinds of resources: users and groups."""
    organization_of(call.by, PROVISION)
    return listing(list(_RESOURCE_TYPES.values()))


@endpoints.provide("GET", "ResourceTypes/{resource_type}")
def show_scim_resource_type(call: Call, services: Services, resource_type: str) -> Reply:
    """Shows a kind of resources."""
    organization_of(call.by, PROVISION)
    return resource(_known(_RESOURCE_TYPES, resource_type))


@endpoints.provide("GET", "Schemas")
def list_scim_schemas(call: Call, services: Services) -> Reply:
    """Lists the schemas of users and groups, with the attributes that are kept."""
    organization_of(call.by, PROVISION)
    return listing(list(_SCHEMAS.values()))


@endpoints.provide("GET", "Schemas/{schema}")
def show_scim_schema(call: Call, services: Services, schema: str) -> Reply:
    """Shows a schema."""
    organization_of(call.by, PROVISION)
    return resource(_known(_SCHEMAS, schema))


def _known(documents: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in documents:
        raise NotFound(f"There is no {name[:100]!r} here.")
    return documents[name]
