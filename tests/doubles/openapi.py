"""An API as its OpenAPI 3.0 document describes it: calls found by their paths, bodies and parameters held
against them.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.doubles.described import Description, Undescribed, strict
from tests.fakes.answering import Asked, Reply

_SCHEMAS = "#/components/schemas/"


class OpenApi:
    def __init__(self, document: Path) -> None:
        self._document = json.loads(document.read_text())
        # Those without parts that vary come first.
        paths = sorted(self._document["paths"], key=lambda path: path.count("{"))
        self._paths = [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), path) for path in paths
        ]

    def describes(self, asked: Asked) -> Mapping[str, Any]:
        """The operation that a request is. Raises Undescribed, also for parameters and bodies that it does not have."""
        for pattern, path in self._paths:
            operation = self._document["paths"][path].get(asked.method.lower())
            if operation and pattern.fullmatch(asked.path):
                self._check_parameters(operation, asked.params)
                if asked.raw:
                    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                    if body is None:
                        raise Undescribed(f"{operation['operationId']} takes no body")
                    self._description(json.dumps(body), closed=True).check(asked.body)
                found: Mapping[str, Any] = operation
                return found
        raise Undescribed(f"there is no operation {asked.method} {asked.path}")

    def hold(self, asked: Asked, answer: Callable[[], Reply], wrong: list[str]) -> Reply:
        """Returns the answer, request and answer held against the document. What is not as it says goes to `wrong`."""
        try:
            operation = self.describes(asked)
        except AssertionError as error:
            wrong.append(str(error))
            return Reply(400, {"message": str(error)})
        reply = answer()
        if reply.status < 400:
            try:
                self.check_answer(operation, reply)
            except AssertionError as error:
                wrong.append(f"answer of {operation['operationId']}: {error}")
        return reply

    def check_answer(self, operation: Mapping[str, Any], reply: Reply) -> None:
        described = operation["responses"].get(str(reply.status))
        if described is None:
            raise Undescribed(f"{operation['operationId']} does not answer {reply.status}")
        schema = self._resolved(described).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            self._description(json.dumps(schema), closed=False).check(reply.body)

    def example(self, name: str) -> Any:
        return json.loads(json.dumps(self._document["components"]["examples"][name]["value"]))

    def _check_parameters(self, operation: Mapping[str, Any], given: Mapping[str, str]) -> None:
        described = {one["name"]: one for one in map(self._resolved, operation.get("parameters", ()))}
        for name, value in given.items():
            if described.get(name, {}).get("in") != "query":
                raise Undescribed(f"{operation['operationId']} has no parameter {name}")
            allowed = described[name]["schema"].get("enum")
            if allowed and value not in allowed:
                raise Undescribed(f"{operation['operationId']}: {name} is {value!r}, not one of {allowed}")

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    @cache  # noqa: B019 - there are as many as there are documents
    def _description(self, schema: str, closed: bool) -> Description:
        """With all that it refers to."""
        root, definitions = json.loads(schema), dict[str, Any]()
        waiting = _referred(root)
        while waiting:
            name = waiting.pop()
            if name not in definitions:
                definitions[name] = self._document["components"]["schemas"][name]
                waiting |= _referred(definitions[name])
        whole = {**_modern(root), "components": {"schemas": {name: _modern(one) for name, one in definitions.items()}}}
        return Description(strict(whole) if closed else whole)


def _referred(node: Any) -> set[str]:
    return set(re.findall(rf'"{_SCHEMAS}([^"]+)"', json.dumps(node)))


def _modern(node: Any) -> Any:
    """`nullable` is a type in newer JSON Schemas. Formats and patterns of others' answers are not our business."""
    if isinstance(node, list):
        return [_modern(one) for one in node]
    if not isinstance(node, dict):
        return node
    new = {name: _modern(value) for name, value in node.items() if name not in ("nullable", "example", "examples")}
    if node.get("nullable"):
        return {"anyOf": [new, {"type": "null"}]}
    return new
