"""Requests of agents and hosts, checked against schemas/runner-protocol/1.json."""

from functools import cache
from typing import Any

import jsonschema_rs

from cadence.domain.errors import InvalidRequest, Violation
from cadence.domain.json_pointer import pointer
from cadence.domain.schemas import schema

_MOST_VIOLATIONS = 20


def check_request(name: str, body: Any) -> None:
    """Raises InvalidRequest unless `body` is what the schema's `<name>_request` asks for."""
    violations = []
    for error in _validator(f"{name}_request").iter_errors(body):
        # The validator's own message quotes the value, which may hold anything; the rule that was broken is enough.
        violations.append(
            Violation(pointer(error.instance_path), f"does not satisfy {error.kind.name}", error.kind.name)
        )
        if len(violations) == _MOST_VIOLATIONS:
            break
    if violations:
        raise InvalidRequest(
            f"This is no valid request of kind {name} (see schemas/runner-protocol/1.json).", violations
        )


@cache
def _validator(definition: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema("runner-protocol"), "$ref": f"#/$defs/{definition}"})
