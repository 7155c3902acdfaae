"""Checks a document's shape against schemas/pipeline/1.json, with messages in plain words."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from cadence.domain.pipelines.document.draft import mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path
from cadence.domain.pipelines.document.syntax.elsewhere import hint_for, hint_for_value, import_hint, is_named_otherwise
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared import schemas
from cadence.domain.shared.display import kind_of, shown

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_AT_ONCE = 100
"""Treatments that are validated at once."""
_MOST_KEYS = 200
"""Keys of the document and of a body: more than the schema knows."""
_LONGEST_LIST = 1_000
"""Items of a list in a body."""
_UNITS = {"Length": "characters", "Items": "items", "Properties": "entries"}


def check_shape(data: Any) -> Iterator[DocumentProblem]:
    """Yields a problem for each violation of the schema in `data`."""
    for piece in _pieces(data):
        for error in _validator().iter_errors(piece):
            yield from _problems(error)


def _pieces(data: Any) -> Iterator[Any]:
    """Yields the document in parts that are whole documents to the schema.

    The validator collects all errors before it reports the first one, each with a copy of the value. Long documents are
    therefore checked in parts, and without the values of unknown keys.
    """
    treatments = data.get("treatments") if isinstance(data, dict) else None
    if not isinstance(treatments, dict) or len(treatments) <= _AT_ONCE:
        yield _without_unknown(data)
        return
    bodies = iter(treatments.items())
    yield {**_without_unknown(data), "treatments": dict(islice(bodies, _AT_ONCE))}
    while piece := dict(islice(bodies, _AT_ONCE)):
        yield {"cadence": 1, "name": "piece", "treatments": piece}


def _without_unknown(data: Any) -> Any:
    properties = pipeline_schema()["properties"]
    if not isinstance(data, dict) or data.keys() <= properties.keys():
        return data
    return {key: value if key in properties else None for key, value in data.items()}


def check_counts(data: Any) -> Iterator[DocumentProblem]:
    """Yields a problem for each part with far too many members, which would take the validator too long."""
    properties = pipeline_schema()["properties"]
    document = data if isinstance(data, dict) else {}
    for key in ("treatments", "definitions", "connections"):
        part, limit = document.get(key), properties[key].get("maxProperties") or properties[key].get("maxItems")
        if isinstance(part, dict | list) and len(part) > limit:
            yield _more_than((key,), limit, "Properties" if isinstance(part, dict) else "Items")
    for key in ("treatments", "definitions"):
        for name, body in mapping(document.get(key)).items():
            yield from _body_counts((key, name), mapping(body))
    connections = document.get("connections")
    items = connections if isinstance(connections, list) else []
    wrong_indexes = [index for index, item in enumerate(items) if type(item) is not str]
    if len(wrong_indexes) > _MOST_KEYS:
        first = ("connections", wrong_indexes[0])
        message = f"{_subject(first)} and {len(wrong_indexes) - 1:,} others have to be text, not {kind_of(items[wrong_indexes[0]])}."
        yield DocumentProblem(
            code=Code.WRONG_TYPE,
            message=message,
            path=first,
            hint="Write producer.output -> consumer.input.",
            too_large=True,
        )
    if len(document) > _MOST_KEYS:
        yield _more_than((), _MOST_KEYS, "Properties")


def _body_counts(path: Path, body: Mapping[str, Any]) -> Iterator[DocumentProblem]:
    if len(body) > _MOST_KEYS:
        yield _more_than(path, _MOST_KEYS, "Properties")
    for part, value in body.items():
        if type(value) is list and len(value) > _LONGEST_LIST:
            yield _more_than((*path, part), _LONGEST_LIST, "Items")


def pipeline_schema() -> dict[str, Any]:
    """Returns the JSON Schema of pipeline documents."""
    return schemas.schema("pipeline")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_checked_schema())


@cache
def _checked_schema() -> dict[str, Any]:
    """Returns the schema with its `propertyNames` in another form.

    The validator reports each wrong name with a copy of the whole mapping, which for thousands of names is more than
    any memory holds. Names are therefore checked as forbidden members, which are reported one by one.
    """
    schema: dict[str, Any] = _names_as_members(pipeline_schema())
    return schema


def _names_as_members(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_names_as_members(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _names_as_members(part) for key, part in schema.items() if key != "propertyNames"}
    if isinstance(rule := schema.get("propertyNames"), dict):
        if "$ref" in rule:
            rule = pipeline_schema()["$defs"][rule["$ref"].rsplit("/", 1)[1]]
        members = parts.get("additionalProperties", True)
        parts["patternProperties"] = {f"^(?!{rule['pattern'].removeprefix('^')})": {"allOf": [False, members]}}
    return parts


def _problems(error: ValidationError) -> Iterable[DocumentProblem]:
    path: Path = tuple(error.instance_path)
    report = _REPORTERS.get(error.kind.name)
    if report is None:
        return [DocumentProblem(code=Code.WRONG_FORM, message=f"{_subject(path)}: {error.message[:200]}.", path=path)]
    return report(error, path, _subject(path))


def _unknown_keys(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    properties = _schema_of(error).get("properties", {})
    known = [name for name, schema in properties.items() if schema is not False]
    for key in sorted(error.kind.as_dict()["unexpected"]):
        message = f"{subject} cannot have the key {shown(key)}."
        hint = hint_for(path, key) or suggestion(key, known)
        yield DocumentProblem(code=Code.UNKNOWN_KEY, message=message, path=(*path, key), hint=hint, at_key=True)


def _missing_key(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    name = error.kind.as_dict()["property"]
    hint = None if path else import_hint(error.instance, name)
    keys = error.instance if isinstance(error.instance, dict) else ()
    if hint is None and is_named_otherwise(path, keys, name):
        return
    hint = hint or f"Add {name}."
    yield DocumentProblem(
        code=Code.MISSING_KEY, message=f"{subject} lacks {shown(name)}.", path=path, hint=hint, at_key=True
    )


def _wrong_type(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    expected: list[str] = [*error.kind.as_dict()["types"], *_other_shape(error)]
    instance = error.instance
    hint = None
    if "string" in expected and isinstance(instance, int | float):
        hint = "Put it in quotes."
    elif "integer" in expected and isinstance(instance, str):
        hint = "Write a number as in JSON, without quotes, unit or leading zero."
    elif path == ("on",) and isinstance(instance, str | list):
        events = [instance] if isinstance(instance, str) else instance
        hint = f"Write on: {{{', '.join(f'{event}: {{}}' for event in events[:5])}}}."[:200]
    elif expected == ["array"] and isinstance(instance, str):
        hint = "Write it as a list: [ … ]."
    names = " or ".join(_KINDS[kind] for kind in expected)
    actual = kind_of(instance) + (f" {shown(instance)}" if isinstance(instance, str | int | float) else "")
    yield DocumentProblem(
        code=Code.WRONG_TYPE, message=f"{subject} has to be {names}, not {actual}.", path=path, hint=hint
    )


def _wrong_value(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    limits = error.kind.as_dict()
    allowed = ", ".join(json.dumps(value) for value in limits.get("options", [limits.get("expected_value")]))
    hint = hint_for_value(path, error.instance) or f"Allowed: {allowed}."
    yield DocumentProblem(code=Code.WRONG_VALUE, message=f"{subject} is {shown(error.instance)}.", path=path, hint=hint)


def _out_of_range(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    schema = _schema_of(error)
    bounds = f"between {schema['minimum']:,} and {schema['maximum']:,}"
    message = f"{subject} is {shown(error.instance)}, but has to be {bounds}."
    yield DocumentProblem(code=Code.OUT_OF_RANGE, message=message, path=path, hint=schema.get("description"))


def _too_little(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    limit = error.kind.as_dict()["limit"]
    lack = "is empty" if limit == 1 else f"has fewer than {limit} {_unit(error)}"
    yield DocumentProblem(code=Code.WRONG_SIZE, message=f"{subject} {lack}.", path=path)


def _too_much(error: ValidationError, path: Path, _: str) -> Iterator[DocumentProblem]:
    yield _more_than(path, error.kind.as_dict()["limit"], error.kind.name[3:])


def _more_than(path: Path, limit: int, kind: str) -> DocumentProblem:
    message = f"{_subject(path)} has more than {limit:,} {_UNITS[kind]}."
    return DocumentProblem(code=Code.WRONG_SIZE, message=message, path=path, too_large=True)


def _wrong_form(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    schema = _schema_of(error)
    if error.schema_path[:2] in (["$defs", "name"], ["$defs", "port_name"]):
        message = f"{shown(error.instance)} is not a valid name."
        yield DocumentProblem(code=Code.BAD_NAME, message=message, path=path, hint=_naming_rule(schema["pattern"]))
    else:
        message = f"{subject} cannot be {shown(error.instance)}."
        yield DocumentProblem(code=Code.WRONG_FORM, message=message, path=path, hint=schema.get("description"))


def _repeated_items(error: ValidationError, path: Path, _: str) -> Iterator[DocumentProblem]:
    items: Any = error.instance
    seen: set[str] = set()
    for index, item in enumerate(items):
        known = len(seen)
        seen.add(json.dumps(item, sort_keys=True))
        if len(seen) == known:
            yield DocumentProblem(
                code=Code.REPEATED_ITEM,
                message=f"{shown(item)} is listed twice.",
                path=(*path, index),
                hint="Keep one of them.",
            )


def _wrong_name(error: ValidationError, path: Path, subject: str) -> Iterator[DocumentProblem]:
    """Yields the problem of a member with a wrong name, which the schema `false` marks."""
    pattern = error.schema_path[error.schema_path.index("patternProperties") + 1]
    message = f"{shown(path[-1])} is not a valid name."
    yield DocumentProblem(code=Code.BAD_NAME, message=message, path=path, hint=_naming_rule(str(pattern)), at_key=True)


_REPORTERS: dict[str, Callable[[ValidationError, Path, str], Iterator[DocumentProblem]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _wrong_value,
    "const": _wrong_value,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "minLength": _too_little,
    "minItems": _too_little,
    "minProperties": _too_little,
    "maxLength": _too_much,
    "maxItems": _too_much,
    "maxProperties": _too_much,
    "pattern": _wrong_form,
    "uniqueItems": _repeated_items,
    "falseSchema": _wrong_name,
}


def _subject(path: Path) -> str:
    """Returns the part of a document at a path in words."""
    match path:
        case ():
            return "The document"
        case ("treatments", str(name)):
            return f"Treatment {shown(name)}"
        case ("definitions", str(name)):
            return f"Definition {shown(name)}"
        case ("parameters", str(name)):
            return f"Parameter {shown(name)}"
        case (*_, str(key)):
            return shown(key)
        case (*_, key, int(index)):
            return f"Item {index + 1} of {shown(key)}"
        case _:
            return "This"


def _schema_of(error: ValidationError) -> dict[str, Any]:
    """Returns the schema that contains the keyword of an error."""
    schema: Any = _checked_schema()
    for part in error.schema_path[:-1]:
        schema = schema[part]
    result: dict[str, Any] = schema
    return result


def _other_shape(error: ValidationError) -> list[str]:
    """Returns the other allowed kind of value where the schema has two shapes (`if` a mapping, `else` text)."""
    schema: Any = _checked_schema()
    other: list[str] = []
    for part in error.evaluation_path:
        if part == "else":
            other = [kind for kind in [schema["if"].get("type")] if kind in ("object", "array")]
        elif part == "$ref":
            schema = schema["$ref"].removeprefix("#/").split("/")
            schema = _checked_schema()[schema[0]][schema[1]]
            continue
        elif part != "type":
            other = []
        schema = schema[part]
    return other


def _unit(error: ValidationError) -> str:
    return _UNITS[error.kind.name[3:]]


def _naming_rule(pattern: str) -> str:
    dash = ", - and _" if "-]" in pattern else " and _"
    return f"A name starts with a small letter and goes on with small letters, digits{dash}; at most 63 characters."
