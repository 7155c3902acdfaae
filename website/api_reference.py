"""Renders the API's OpenAPI document as Markdown pages: one for each tag, and one for the types that several tags
share.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

SHARED = "types"
_METHODS = ("get", "post", "put", "patch", "delete")
_TITLES = {"githosts": "Git hosts", SHARED: "Shared types"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the API: its method, its path and its part of the document."""

    method: str
    path: str
    part: Json

    @property
    def tag(self) -> str:
        """Returns the first tag, which decides on the operation's page."""
        return str(self.part["tags"][0])


def pages(document: Json) -> dict[str, str]:
    """Returns Markdown by page name (no extension): `index`, each tag in the document's order, and `types`.

    Raises:
        KeyError: The document refers to a schema that it does not contain.
    """
    operations = list(_operations(document))
    tags = [tag["name"] for tag in document["tags"] if any(operation.tag == tag["name"] for operation in operations)]
    homes = _homes(document, operations)
    made = {"index": _index(document, tags, operations)}
    for tag in tags:
        own = [operation for operation in operations if operation.tag == tag]
        made[tag] = _tag_page(document, tag, own, homes)
    shared = sorted(name for name, page in homes.items() if page == SHARED)
    text = ["# Shared types", "", "Types that operations on several pages take or return.", ""]
    made[SHARED] = "\n".join(text + [line for name in shared for line in _schema(document, name, SHARED, homes)])
    return made


def title(tag: str) -> str:
    """Returns a page's title for a tag: `alert-channels` becomes `Alert channels`."""
    return _TITLES.get(tag, tag.replace("-", " ").capitalize())


def _operations(document: Json) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield Operation(method=method, path=path, part=methods[method])


def _index(document: Json, tags: Sequence[str], operations: Sequence[Operation]) -> str:
    lines = [
        "# API reference",
        "",
        "Rendered from the OpenAPI document, which every installation serves at `/v1/openapi.json`. Requests carry a",
        "token (`Authorization: Bearer cad_…`); errors are problem documents (RFC 9457) with a status, a code and, for",
        "invalid requests, each violation.",
        "",
    ]
    for tag in tags:
        lines += [f"## [{title(tag)}]({tag}.md)", "", "| operation | summary |", "|---|---|"]
        for operation in operations:
            if operation.tag == tag:
                link = f"[{_badge(operation.method)} `{operation.path}`]({tag}.md#{operation.part['operationId']})"
                lines.append(f"| {link} | {_cell(operation.part.get('summary', ''))} |")
        lines.append("")
    return "\n".join(lines + _errors(operations))


def _tag_page(document: Json, tag: str, operations: Sequence[Operation], homes: Mapping[str, str]) -> str:
    lines = [f"# {title(tag)}", ""]
    for operation in operations:
        lines += _operation(operation, tag, homes)
    own = sorted(name for name, page in homes.items() if page == tag)
    if own:
        lines += ["## Types", ""]
        for name in own:
            lines += _schema(document, name, tag, homes)
    return "\n".join(lines)


def _operation(operation: Operation, page: str, homes: Mapping[str, str]) -> list[str]:
    part = operation.part
    heading = f"{_badge(operation.method)} `{operation.path}` {{ #{part['operationId']} }}"
    lines = [f"## {heading}", "", part.get("summary", ""), ""]
    if part.get("description"):
        lines += [part["description"], ""]
    lines += _call(operation) + _parameters(part, page, homes) + _body(part, page, homes)
    return lines + _responses(part, page, homes)


def _call(operation: Operation) -> list[str]:
    address = re.sub(r"{(\w+)}", lambda found: found[1].upper(), operation.path)
    options = "" if operation.method == "get" else f"-X {operation.method.upper()} "
    arguments = [f'curl {options}"$CADENCE_URL{address}"', '-H "Authorization: Bearer $CADENCE_TOKEN"']
    content = operation.part.get("requestBody", {}).get("content", {})
    if content:
        arguments.append(f'-H "Content-Type: {next(iter(content))}" --data-binary @body')
    lines = ["```sh", " \\\n  ".join(arguments)]
    return [*lines, "```", ""]


def _parameters(part: Json, page: str, homes: Mapping[str, str]) -> list[str]:
    parameters = part.get("parameters", [])
    if not parameters:
        return []
    lines = ["**Parameters**", "", "| name | in | type | meaning |", "|---|---|---|---|"]
    for parameter in parameters:
        name = f"`{parameter['name']}`{' *' if parameter.get('required') else ''}"
        kind = _type(parameter.get("schema", {}), page, homes)
        meaning = _meaning(parameter.get("schema", {}), parameter.get("description", ""))
        lines.append(f"| {name} | {parameter['in']} | {kind} | {meaning} |")
    return [*lines, ""]


def _body(part: Json, page: str, homes: Mapping[str, str]) -> list[str]:
    content = part.get("requestBody", {}).get("content", {})
    if not content:
        return []
    lines = ["**Request body**", "", "| content type | type |", "|---|---|"]
    lines += [f"| `{kind}` | {_type(media.get('schema', {}), page, homes)} |" for kind, media in content.items()]
    return [*lines, ""]


def _responses(part: Json, page: str, homes: Mapping[str, str]) -> list[str]:
    lines = ["**Responses**", "", "| status | meaning | type |", "|---|---|---|"]
    errors = [status for status in part["responses"] if status.startswith(("4", "5"))]
    for status, response in part["responses"].items():
        if status in errors:
            continue
        kinds = [_type(media.get("schema", {}), page, homes) for media in response.get("content", {}).values()]
        lines.append(f"| {status} | {_cell(response.get('description', ''))} | {' or '.join(dict.fromkeys(kinds))} |")
    if errors:
        problem = _type({"$ref": "#/components/schemas/Problem"}, page, homes)
        lines.append(f"| {', '.join(errors)} | [Errors](index.md#errors) | {problem} |")
    return [*lines, ""]


def _errors(operations: Sequence[Operation]) -> list[str]:
    """Returns the section that explains the statuses of errors, which mean the same for every operation."""
    meanings = {
        status: response.get("description", "")
        for operation in operations
        for status, response in operation.part["responses"].items()
        if status.startswith(("4", "5"))
    }
    rows = [f"| {status} | {_cell(meanings[status])} |" for status in sorted(meanings)]
    return ["## Errors { #errors }", "", "| status | meaning |", "|---|---|", *rows, ""]


def _schema(document: Json, name: str, page: str, homes: Mapping[str, str]) -> list[str]:
    schema = document["components"]["schemas"][name]
    lines = [f"### `{name}` {{ #{_anchor(name)} }}", ""]
    if schema.get("description"):
        lines += [" ".join(schema["description"].split()), ""]
    properties = schema.get("properties")
    if not properties:
        return [*lines, f"Type: {_type(schema, page, homes)}", ""]
    required = schema.get("required", [])
    lines += ["| property | type | meaning |", "|---|---|---|"]
    for key, value in properties.items():
        label = f"`{key}`{' *' if key in required else ''}"
        lines.append(f"| {label} | {_type(value, page, homes)} | {_meaning(value, value.get('description', ''))} |")
    return [*lines, ""]


def _type(schema: Json, page: str, homes: Mapping[str, str]) -> str:
    """Returns a type in words, with links to the schemas that have names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = "" if homes[name] == page else f"{homes[name]}.md"
        return f"[{name}]({target}#{_anchor(name)})"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(part, page, homes) for part in schema[key]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), page, homes)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'], page, homes)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _meaning(schema: Json, description: str) -> str:
    notes = []
    if "default" in schema and schema["default"] not in (None, ""):
        notes.append(f"Default: `{schema['default']}`.")
    if "minimum" in schema and "maximum" in schema:
        notes.append(f"From {schema['minimum']} to {schema['maximum']}.")
    return _cell(" ".join([description, *notes]))


def _homes(document: Json, operations: Sequence[Operation]) -> dict[str, str]:
    """Returns the page of each schema: its only tag's, or the one of shared types."""
    schemas = document["components"]["schemas"]
    users: dict[str, set[str]] = {}
    for operation in operations:
        waiting = list(_references(operation.part))
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting.extend(_references(schemas[name]))
        for name in reached:
            users.setdefault(name, set()).add(operation.tag)
    return {name: min(tags) if len(tags) == 1 else SHARED for name, tags in users.items()}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _badge(method: str) -> str:
    return f'<span class="method method-{method}">{method.upper()}</span>'


def _anchor(name: str) -> str:
    return f"type-{name.lower()}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
