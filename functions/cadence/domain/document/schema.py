"""The document's shape, checked against schemas/pipeline/1.json, with the errors told in plain words."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import jsonschema_rs

from cadence.domain.document.findings import Code, Path, Problem
from cadence.domain.document.wording import kind_of, shown, suggestion

_SCHEMA = FilePath("schemas", "pipeline", "1.json")
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_UNITS = {"Length": "characters", "Items": "items", "Properties": "entries"}


def check_shape(data: Any) -> Iterator[Problem]:
    """Everything about `data` that the schema forbids."""
    for error in _validator().iter_errors(data):
        yield from _problems(error)


@cache
def pipeline_schema() -> dict[str, Any]:
    """The JSON Schema, from the `schemas` folder beside `cadence` or, in the repository, beside `functions`."""
    for folder in FilePath(__file__).resolve().parents:
        if (folder / _SCHEMA).is_file():
            schema: dict[str, Any] = json.loads((folder / _SCHEMA).read_text(encoding="utf-8"))
            return schema
    raise FileNotFoundError(f"{_SCHEMA} is in no folder above {__file__}")


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(pipeline_schema())


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    path: Path = tuple(error.instance_path)
    keyword = error.kind.name
    limits = error.kind.as_dict()
    subject = _subject(path)
    match keyword:
        case "additionalProperties":
            known = _schema_at(error.schema_path[:-1]).get("properties", {})
            for key in sorted(limits["unexpected"]):
                yield Problem(
                    Code.UNKNOWN_KEY,
                    f"{subject} cannot have the key {shown(key)}.",
                    (*path, key),
                    suggestion(key, (name for name, schema in known.items() if schema is not False)),
                    at_key=True,
                )
        case "required":
            name = limits["property"]
            yield Problem(Code.MISSING_KEY, f"{subject} lacks {shown(name)}.", path, f"Add {name}.", at_key=True)
        case "type":
            yield _wrong_type(error, path, subject, limits["types"])
        case "enum" | "const":
            allowed = ", ".join(json.dumps(value) for value in limits.get("options", [limits.get("expected_value")]))
            yield Problem(Code.WRONG_VALUE, f"{subject} is {shown(error.instance)}.", path, f"Allowed: {allowed}.")
        case "minimum" | "maximum":
            schema = _schema_at(error.schema_path[:-1])
            yield Problem(
                Code.OUT_OF_RANGE,
                f"{subject} is {shown(error.instance)}, but has to be between "
                f"{schema['minimum']:,} and {schema['maximum']:,}.",
                path,
                schema.get("description"),
            )
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            yield _wrong_size(keyword, path, subject, limits["limit"])
        case "pattern":
            yield _wrong_form(error, path, subject)
        case "propertyNames":
            name = limits["error"].instance
            yield Problem(
                Code.BAD_NAME,
                f"{shown(name)} is not a valid name.",
                (*path, name),
                _naming_rule(limits["error"].kind.as_dict()["pattern"]),
                at_key=True,
            )
        case "uniqueItems":
            yield from _repeated_items(error.instance, path)
        case "falseSchema":
            yield Problem(
                Code.NOT_SUPPORTED_YET,
                f"{subject} is written in a way that this version does not support yet."
                if isinstance(path[-1], int) or path[-2:-1] in (("inputs",), ("outputs",))
                else f"{shown(path[-1])} is not supported yet.",
                path,
                "Leave it out; docs/pipelines.md lists what is supported.",
                at_key=True,
            )
        case _:
            yield Problem(Code.WRONG_FORM, f"{subject}: {error.message[:200]}.", path)


def _subject(path: Path) -> str:
    """What a path leads to, in words."""
    match path:
        case ():
            return "The document"
        case ("treatments", str(name)):
            return f"Treatment {shown(name)}"
        case ("parameters", str(name)):
            return f"Parameter {shown(name)}"
        case (*_, str(key)):
            return shown(key)
        case (*_, key, int(index)):
            return f"Item {index + 1} of {shown(key)}"
        case _:
            return "This"


def _schema_at(path: list[str | int]) -> dict[str, Any]:
    schema: Any = pipeline_schema()
    for part in path:
        schema = schema[part]
    found: dict[str, Any] = schema
    return found


def _wrong_type(error: jsonschema_rs.ValidationError, path: Path, subject: str, wanted: list[str]) -> Problem:
    names = " or ".join(_KINDS[kind] for kind in wanted)
    instance = error.instance
    hint = None
    if "string" in wanted and isinstance(instance, int | float):
        hint = "Put it in quotes."
    elif "integer" in wanted and isinstance(instance, str):
        hint = "Write a number as in JSON, without quotes, unit or leading zero."
    elif wanted == ["array"] and isinstance(instance, str):
        hint = f"Write [{instance[:40]}]."
    found = kind_of(instance) + (f" {shown(instance)}" if isinstance(instance, str | int | float) else "")
    return Problem(Code.WRONG_TYPE, f"{subject} has to be {names}, not {found}.", path, hint)


def _wrong_size(keyword: str, path: Path, subject: str, limit: int) -> Problem:
    unit = _UNITS[keyword[3:]]
    if keyword.startswith("min"):
        message = f"{subject} is empty." if limit == 1 else f"{subject} has fewer than {limit} {unit}."
    else:
        message = f"{subject} has more than {limit:,} {unit}."
    return Problem(Code.WRONG_SIZE, message, path)


def _wrong_form(error: jsonschema_rs.ValidationError, path: Path, subject: str) -> Problem:
    schema = _schema_at(error.schema_path[:-1])
    if error.schema_path[:2] in (["$defs", "name"], ["$defs", "port_name"]):
        message = f"{shown(error.instance)} is not a valid name."
        return Problem(Code.BAD_NAME, message, path, _naming_rule(schema["pattern"]))
    return Problem(Code.WRONG_FORM, f"{subject} cannot be {shown(error.instance)}.", path, schema.get("description"))


def _naming_rule(pattern: str) -> str:
    dash = ", - and _" if "-]" in pattern else " and _"
    return f"A name starts with a small letter and goes on with small letters, digits{dash}; at most 63 characters."


def _repeated_items(items: Any, path: Path) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if item in items[:index]:
            yield Problem(Code.REPEATED_ITEM, f"{shown(item)} is listed twice.", (*path, index), "Keep one of them.")
