"""Checks requests of machines against a schema with one definition `<name>_request` for each."""

from functools import cache
from typing import Any

import jsonschema_rs

from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.shared.json_pointer import pointer
from cadence.domain.shared.schemas import schema

_MOST_VIOLATIONS = 20


def check_request(schema_name: str, name: str, body: Any) -> None:
    """Raises InvalidRequest unless `body` matches the definition `<name>_request` of the schema `schema_name`."""
    violations = []
    for error in _validator(schema_name, f"{name}_request").iter_errors(body):
        # The validator's own message quotes the value, which may hold anything; the rule that was broken is enough.
        violations.append(
            Violation(pointer(error.instance_path), f"does not satisfy {error.kind.name}", error.kind.name)
        )
        if len(violations) == _MOST_VIOLATIONS:
            break
    if violations:
        raise InvalidRequest(f"This is no valid request of kind {name} (see schemas/{schema_name}/1.json).", violations)


@cache
def _validator(schema_name: str, definition: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema(schema_name), "$ref": f"#/$defs/{definition}"})
