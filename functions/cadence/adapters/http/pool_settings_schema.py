"""Checks settings of pools against schemas/pool-settings/<provider>/1.json."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from cadence.domain.shared.errors import Violation
from cadence.domain.shared.json_pointer import pointer
from cadence.domain.shared.schemas import schema

_MOST_VIOLATIONS = 20


def check_settings(provider: str, settings: Mapping[str, Any]) -> list[Violation]:
    """Returns the violations, each with its place in the body of a pool.

    Values are not quoted: one may be a secret at the wrong place.
    """
    violations: list[Violation] = []
    for error in _validator(provider).iter_errors(dict(settings)):
        violations.append(Violation("/settings" + pointer(error.instance_path), error.message, error.kind.name))
        if len(violations) == _MOST_VIOLATIONS:
            break
    return violations


@cache
def _validator(provider: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(f"pool-settings/{provider}"), mask="the value")
