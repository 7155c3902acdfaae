"""The OpenAPI 3.1 document, made from the routes' declarations.

`python -m api` (with `functions` on the path) writes it to standard output.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from api.endpoint import ANY_TOKEN, ANYWHERE, JSON, PUBLIC, Endpoint, Endpoints, Model
from api.reading import FORM
from api.scim_protocol import SCIM_JSON, ScimError
from api.shapes import IDEMPOTENCY_KEY, NAME_PATTERN, PROJECT_OR_ALL_PATTERN, SECRET_NAME_PATTERN, FindingView
from cadence import __version__
from cadence.adapters.http.problem import MEDIA_TYPE

_REF = "#/components/schemas/{model}"
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REASONS = {
    400: "The request cannot be read.",
    401: "There is no valid token.",
    403: "The token lacks a permission.",
    404: "There is nothing at this address.",
    409: "It contradicts what is stored.",
    410: "It was used, or is over.",
    413: "The body is too large.",
    415: "The content type is not understood.",
    422: "The request is not valid; `violations` or `findings` list the reasons.",
    429: "There were too many attempts; try again later.",
    503: "Not possible right now; try again.",
}
_SUCCESSES = {200: "Done.", 201: "Created.", 202: "Accepted.", 204: "Done, without a body.", 304: "As it was."}
_PATH_NAMES = {
    "project": "A project's name.",
    "pipeline": "A pipeline's name.",
    "run_id": "A run's id (a lower-case ULID, or the UUID of a Mélodium process).",
    "treatment": "A treatment's name.",
    "scope": "A project's name, or `*` for the organization.",
    "sha256": "The SHA-256 of a value, in hexadecimal.",
}
_ULID = r"^[0-9a-hjkmnp-tv-z]{26}$"
_RUN_ID = r"^(?:[0-9a-hjkmnp-tv-z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
_PATH_SHAPES = {
    "project": {"pattern": NAME_PATTERN},
    "pipeline": {"pattern": NAME_PATTERN},
    "pool": {"pattern": NAME_PATTERN},
    "secret": {"pattern": SECRET_NAME_PATTERN},
    "scope": {"pattern": PROJECT_OR_ALL_PATTERN},
    "rule": {"pattern": NAME_PATTERN},
    "channel": {"pattern": NAME_PATTERN},
    "silence": {"pattern": _ULID},
    "run_id": {"pattern": _RUN_ID},
    "token_id": {"pattern": _ULID},
    "member": {"pattern": _ULID},
    "invitation": {"pattern": _ULID},
    "team": {"pattern": NAME_PATTERN},
    "service_account": {"pattern": NAME_PATTERN},
    "role": {"pattern": NAME_PATTERN},
    "identity_provider": {"pattern": NAME_PATTERN},
    "directory": {"pattern": NAME_PATTERN},
    "organization": {"pattern": NAME_PATTERN},
    "grant": {"pattern": "^[0-9a-f]{20}$"},
    "sha256": {"pattern": "^[0-9a-f]{64}$"},
}

Json = dict[str, Any]


def document(groups: Sequence[Endpoints]) -> Json:
    """Returns the OpenAPI 3.1 document of the routes in ``groups``, ready for ``json.dumps``."""
    schemas, refs = _schemas(groups)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cadence",
            "version": __version__,
            "description": "The control plane's API. Errors are problem documents (RFC 9457).",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(group.tag for group in groups)],
        "paths": _paths(groups, refs),
        "components": {
            "schemas": {**schemas, "Problem": _problem_schema(refs)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "header", "name": "Cadence-Session"},
                "sessionCookie": {"type": "apiKey", "in": "cookie", "name": "cadence_session"},
            },
        },
    }


def _paths(groups: Iterable[Endpoints], refs: Mapping[type[Model], Json]) -> Json:
    paths: Json = {}
    for group in groups:
        for endpoint in group.all:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(group.tag, endpoint, refs)
    return paths


def _operation(tag: str, endpoint: Endpoint, refs: Mapping[type[Model], Json]) -> Json:
    summary = re.sub(r"\s+", " ", endpoint.function.__doc__ or "").strip()
    operation: Json = {
        "tags": [tag],
        "operationId": endpoint.function.__name__,
        "summary": summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint), *_header_parameters(endpoint)],
        "responses": {**_successes(endpoint, refs), **_errors(endpoint, refs)},
        "security": [] if endpoint.permission == PUBLIC else [{"bearer": []}, {"session": [], "sessionCookie": []}],
    }
    if endpoint.permission == ANY_TOKEN:
        operation["description"] = "Needs a valid token, whatever its permissions."
    elif endpoint.permission != PUBLIC:
        where = "" if endpoint.scope == ANYWHERE else f" for the {endpoint.scope}"
        operation["description"] = f"Needs the permission `{endpoint.permission}`{where}."
    if endpoint.body is not None:
        media = SCIM_JSON if endpoint.content_type == SCIM_JSON else JSON
        content: Json = {media: {"schema": refs[endpoint.body]}}
        # The body is the document's text, and no schema can describe what it parses to. The form of the page that the
        # API itself serves is left out: clients send JSON, and generators make a broken module of both.
        content |= {media: {"schema": {}} for media in endpoint.also_text if media != FORM}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATH_NAMES.get(name, f"The {name.replace('_', ' ')}."),
            "schema": {"type": "string", "minLength": 1, **_PATH_SHAPES.get(name, {})},
        }
        for name in endpoint.parameters
    ]


def _query_parameters(endpoint: Endpoint) -> list[Json]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema()
    required = schema.get("required", [])
    parameters = []
    for name, definition in schema.get("properties", {}).items():
        described = _without_null(definition)
        parameter = {"name": name, "in": "query", "required": name in required, "schema": described}
        if "description" in described:
            parameter["description"] = described.pop("description")
        parameters.append(parameter)
    return parameters


def _without_null(schema: Json) -> Json:
    """Returns the parameter without null: a query parameter is left out rather than null."""
    members = {key: value for key, value in schema.items() if key not in {"anyOf", "default", "title"}}
    if schema.get("default") is not None:
        members["default"] = schema["default"]
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            members |= choice
    return members


def _header_parameters(endpoint: Endpoint) -> list[Json]:
    if not endpoint.idempotency_key:
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key leads to the same run, for a day.",
            "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY},
        }
    ]


def _successes(endpoint: Endpoint, refs: Mapping[type[Model], Json]) -> Json:
    answers: Json = {}
    for status, model in endpoint.answers.items():
        answer: Json = {"description": _SUCCESSES[status]}
        if model is not None:
            media = SCIM_JSON if endpoint.content_type == SCIM_JSON else JSON
            answer["content"] = {media: {"schema": refs[model]}}
        elif endpoint.content_type not in (JSON, SCIM_JSON) and status != 304:
            answer["content"] = {endpoint.content_type.partition(";")[0]: {"schema": {"type": "string"}}}
        answers[str(status)] = answer
    return answers


def _errors(endpoint: Endpoint, refs: Mapping[type[Model], Json]) -> Json:
    statuses = set(endpoint.errors)
    if "{" in endpoint.path:
        statuses.add(404)  # a name that is no name (`%` and no digits) makes an address that is none of ours
    if endpoint.permission != PUBLIC:
        statuses |= {401, 403, 503}
    if endpoint.body is not None or endpoint.query is not None:
        statuses |= {400}
    content = {MEDIA_TYPE: {"schema": _PROBLEM}}
    if endpoint.content_type == SCIM_JSON:
        content = {SCIM_JSON: {"schema": refs[ScimError]}}
    return {str(status): {"description": _REASONS[status], "content": content} for status in sorted(statuses)}


def _schemas(groups: Iterable[Endpoints]) -> tuple[Json, dict[type[Model], Json]]:
    """Returns the components, and for each model how to refer to it."""
    requested: list[tuple[type[Model], Any]] = []
    for endpoint in (endpoint for group in groups for endpoint in group.all):
        if endpoint.body is not None:
            requested.append((endpoint.body, "validation"))
        requested += [(model, "serialization") for model in endpoint.answers.values() if model is not None]
    requested += [(FindingView, "serialization"), (ScimError, "serialization")]
    keys, definitions = models_json_schema(requested, ref_template=_REF)
    return definitions.get("$defs", {}), {model: keys[model, mode] for model, mode in requested}


def _problem_schema(refs: Mapping[type[Model], Json]) -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable, for programs."},
            "detail": text,
            "violations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "message"],
                    "properties": {"pointer": text, "code": text, "message": text},
                },
            },
            "findings": {"type": "array", "items": refs[FindingView]},
            "details": {"type": "object"},
            "retry_after": {"type": "number", "description": "Seconds."},
            "id": {"type": "string", "description": "Of an internal error, for finding it in the control plane's log."},
        },
    }
