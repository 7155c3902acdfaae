"""An infrastructure's own description of its API, as JSON Schemas: what a double takes and answers is held against it.

Unlike the descriptions themselves, these are strict: a property that is not described is an error.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from pydantic import TypeAdapter


class Undescribed(AssertionError):
    """What was sent, or answered, is not as the infrastructure describes it."""


class Description:
    """`document` is a JSON Schema, whole: what it refers to is in it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._validator = jsonschema_rs.validator_for(document)

    def check(self, value: Any) -> None:
        problems = [
            f"{list(problem.instance_path)}: {problem.message}" for problem in self._validator.iter_errors(value)
        ]
        if problems:
            raise Undescribed("; ".join(problems[:5]))


@cache
def of_type(kind: Any, *, undo_underscores: bool = False) -> Description:
    """From a type of an SDK (a dataclass, or a typed dict). `undo_underscores`: `type_` in Python is `type` in JSON."""
    document = TypeAdapter(kind).json_schema()
    return Description(strict(_plain_names(document) if undo_underscores else document))


def strict(node: Any) -> Any:
    """The same schema, with every object closed that lists its properties and says nothing of others."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    closed = {name: strict(value) for name, value in node.items()}
    if isinstance(node.get("properties"), Mapping) and "additionalProperties" not in node and "allOf" not in node:
        closed["additionalProperties"] = False
    return closed


def _plain_names(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain_names(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _plain_names(value) for name, value in node.items()}
    if isinstance(plain.get("properties"), dict):
        plain["properties"] = {name.rstrip("_"): value for name, value in plain["properties"].items()}
        if isinstance(plain.get("required"), list):
            plain["required"] = [name.rstrip("_") for name in plain["required"]]
    return plain
