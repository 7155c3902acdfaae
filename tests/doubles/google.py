"""Google's APIs as their discovery documents describe them: methods with their parameters, and schemas."""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.doubles.described import Description, Undescribed, strict
from tests.fakes.answering import Asked

FOLDER = Path(os.environ.get("CADENCE_PEERS", "~/.cache/cadence-peers")).expanduser() / "google-discovery-2.202.0"


class Discovery:
    """One API. `method` finds the call that a request is."""

    def __init__(self, name: str) -> None:
        self._document = json.loads((FOLDER / f"{name}.json").read_text())
        definitions = {name: strict(_as_schema(schema)) for name, schema in self._document["schemas"].items()}
        self._definitions = definitions
        base = f"/{self._document['servicePath'].strip('/')}".rstrip("/")
        self._methods: list[tuple[re.Pattern[str], dict[str, Any]]] = [
            (_pattern(base, method), method) for method in _methods(self._document["resources"])
        ]

    def describes(self, asked: Asked) -> Mapping[str, Any]:
        """The method that this request is, its parameters and its body held against it. Raises Undescribed."""
        for pattern, method in self._methods:
            found = pattern.fullmatch(asked.path)
            if found and method["httpMethod"] == asked.method:
                self._check_parameters(method, {**asked.params, **found.groupdict()})
                if "request" in method:
                    self.check(method["request"]["$ref"], asked.body)
                return method
        raise Undescribed(f"there is no method {asked.method} {asked.path}")

    def check(self, schema: str, value: Any) -> None:
        self._description(schema).check(value)

    @cache  # noqa: B019 - there are as many as there are documents
    def _description(self, schema: str) -> Description:
        return Description({"$ref": f"#/$defs/{schema}", "$defs": self._definitions})

    def _check_parameters(self, method: Mapping[str, Any], given: Mapping[str, str]) -> None:
        described = {**method.get("parameters", {}), **self._document["parameters"]}
        for name, value in given.items():
            if name not in described:
                raise Undescribed(f"{method['id']} has no parameter {name}")
            pattern = described[name].get("pattern")
            if pattern and not re.fullmatch(pattern, value):
                raise Undescribed(f"{method['id']}: {name} is {value!r}, not {pattern}")
        missing = [name for name, one in described.items() if one.get("required") and name not in given]
        if missing:
            raise Undescribed(f"{method['id']} lacks {missing}")


@cache
def discovery(name: str) -> Discovery:
    return Discovery(name)


def _pattern(base: str, method: Mapping[str, Any]) -> re.Pattern[str]:
    """A parameter with a plus takes slashes too, as its own pattern says."""
    parts = re.split(r"\{(\+?\w+)\}", f"{base}/{method['path'] if '{+' in method['path'] else method['flatPath']}")
    whole = ""
    for number, part in enumerate(parts):
        name = part.removeprefix("+")
        if number % 2 == 0:
            whole += re.escape(part)
        elif name == part:
            whole += f"(?P<{name}>[^/]+)"
        else:
            whole += f"(?P<{name}>{method['parameters'][name]['pattern'].strip('^$')})"
    return re.compile(whole)


def _methods(resources: Mapping[str, Any]) -> Any:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def _as_schema(node: Mapping[str, Any]) -> dict[str, Any]:
    """Discovery documents use JSON Schema of draft 3, with names for references."""
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    schema: dict[str, Any] = {} if node.get("type") == "any" else {"type": node["type"]}
    for name in ("enum", "minimum", "maximum"):
        if name in node:
            schema[name] = float(node[name]) if name != "enum" else node[name]
    if "pattern" in node and node["type"] == "string":
        schema["pattern"] = f"^(?:{node['pattern']})$"
    if "items" in node:
        schema["items"] = _as_schema(node["items"])
    if "properties" in node:
        schema["properties"] = {name: _as_schema(one) for name, one in node["properties"].items()}
    if "additionalProperties" in node:
        schema["additionalProperties"] = _as_schema(node["additionalProperties"])
    return schema
