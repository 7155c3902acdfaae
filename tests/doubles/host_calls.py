"""Holds the calls of code hosts' adapters against what GitHub and GitLab themselves describe.

GitHub's OpenAPI document and the types of GitLab's client are fetched by `.ci/descriptions`. What GitLab's own OpenAPI
document states of the operations that Cadence calls is in `gitlab_operations.json`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.doubles import github, gitlab
from tests.doubles.described import Description, Undescribed
from tests.fakes.answering import Asked

Call = tuple[str, str, Any]
"""Method, path with its query, body."""

_PROJECT = "/projects/[^/]+"
# GitLab's own client states bodies and queries, its documentation the paths.
_GITLAB: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("GET", _PROJECT, None, None),
    ("GET", f"{_PROJECT}/hooks", None, "ListProjectHooks"),
    ("POST", f"{_PROJECT}/hooks", "AddProjectHook", None),
    ("PUT", rf"{_PROJECT}/hooks/\d+", "EditProjectHook", None),
    ("DELETE", rf"{_PROJECT}/hooks/\d+", None, None),
    ("POST", rf"{_PROJECT}/statuses/[0-9a-f]{{40}}", "SetCommitStatus", None),
    ("GET", rf"{_PROJECT}/merge_requests/\d+/notes", None, "ListMergeRequestNotes"),
    ("POST", rf"{_PROJECT}/merge_requests/\d+/notes", "CreateMergeRequestNote", None),
    ("PUT", rf"{_PROJECT}/merge_requests/\d+/notes/\d+", "UpdateMergeRequestNote", None),
    ("GET", f"{_PROJECT}/repository/branches", None, "ListBranches"),
    ("GET", f"{_PROJECT}/repository/branches/[^/]+", None, None),
    ("GET", f"{_PROJECT}/merge_requests", None, "ListMergeRequests"),
    ("GET", rf"{_PROJECT}/merge_requests/\d+", None, None),
    ("GET", rf"{_PROJECT}/repository/commits/[0-9a-f]{{40}}", None, None),
    ("GET", rf"{_PROJECT}/members/all/\d+", None, None),
)


def github_describes(calls: Iterable[Call]) -> list[str]:
    """Returns the operations that the calls are. Raises AssertionError for one that GitHub does not describe."""
    operations = []
    for method, address, body in calls:
        parts = urlsplit(address)
        raw = b"" if body is None else json.dumps(body).encode()
        asked = Asked(method, parts.path, dict(parse_qsl(parts.query)), {}, raw)
        operations.append(str(github.openapi().describes(asked)["operationId"]))
    return operations


def gitlab_describes(calls: Iterable[Call]) -> None:
    """Raises AssertionError for a call that GitLab does not describe."""
    for method, address, body in calls:
        parts = urlsplit(address)
        found = [one for one in _GITLAB if one[0] == method and re.fullmatch(one[1], parts.path)]
        assert found, f"GitLab has no {method} {parts.path}"
        _, _, of_body, of_query = found[0]
        assert (body is None) == (of_body is None), f"{method} {parts.path}: {body}"
        if of_body is not None:
            gitlab.described(of_body).check(body)
        query = dict(parse_qsl(parts.query))
        known = gitlab.types()[of_query]["properties"] if of_query else {}
        assert set(query) <= set(known), f"{method} {parts.path} has no parameters {set(query) - set(known)}"


def gitlab_is_described() -> bool:
    """Whether GitLab's types are here, with those of repositories."""
    return gitlab.HERE and "SetCommitStatus" in gitlab.types()


@cache
def gitlab_operations() -> tuple[Mapping[str, Any], ...]:
    """What GitLab's OpenAPI document states of the operations that Cadence calls."""
    document = json.loads(Path(__file__).with_name("gitlab_operations.json").read_text())
    return tuple(document["operations"])


def gitlab_documents(calls: Iterable[Call]) -> set[str]:
    """Returns the operations that the calls are. Raises Undescribed for one that is not as GitLab documents it.

    That is an operation, a parameter or a property that is not documented, one that is required and missing, and a
    value that has another type or is not among those that are listed.
    """
    return {_gitlab_documents(*call) for call in calls}


def _gitlab_documents(method: str, address: str, body: Any) -> str:
    parts = urlsplit(address)
    for operation in gitlab_operations():
        template = operation["path"].removeprefix("/api/v4")
        matched = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), parts.path)
        if operation["method"] == method and matched:
            break
    else:
        raise Undescribed(f"GitLab's document has no {method} {parts.path}")
    name = f"{method} {template}"
    segments = {key: unquote(value) for key, value in matched.groupdict().items()}
    _check(f"{name}, path", segments, operation["path_parameters"], operation["path_parameters"], texts=True)
    _check(f"{name}, query", dict(parse_qsl(parts.query)), operation["query_parameters"], (), texts=True)
    described = operation.get("body")
    if body is None and (described is None or not described["required"]):
        return name
    if body is None or described is None:
        raise Undescribed(f"{name}: {'a body is missing' if body is None else 'it has no body'}")
    _check(f"{name}, body", body, described["properties"], described["required_properties"])
    return name


def _check(
    what: str, given: Mapping[str, Any], known: Mapping[str, Any], required: Iterable[str], *, texts: bool = False
) -> None:
    """`texts`: the values are parts of an address, in which a number or truth is a text."""
    values = {key: _read(value, known.get(key, {})) for key, value in given.items()} if texts else given
    schema = {"type": "object", "properties": known, "required": list(required), "additionalProperties": False}
    try:
        Description(schema).check(values)
    except Undescribed as problem:
        raise Undescribed(f"{what}: {problem}") from None


def _read(text: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "integer" and re.fullmatch(r"\d+", text):
        return int(text)
    return text == "true" if schema.get("type") == "boolean" and text in ("true", "false") else text
