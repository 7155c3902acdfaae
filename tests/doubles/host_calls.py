"""Holds the calls of code hosts' adapters against what GitHub and GitLab themselves describe (`.ci/descriptions`)."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles import github, gitlab
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
