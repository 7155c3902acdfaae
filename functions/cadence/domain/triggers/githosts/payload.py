"""Reads the payloads of webhooks without relying on their shape."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from cadence.domain.shared.errors import InvalidRequest

_FORM = "application/x-www-form-urlencoded"
LONGEST_TEXT = 1_000
"""Characters of one text: a run stores its whole event in one item of its table."""
NO_COMMIT = "0" * 40
_MOST_NAMES = 100
_LONGEST_NAME = 255


def read_payload(body: bytes, content_type: str) -> Mapping[str, Any]:
    """Returns the JSON object of a webhook, sent as JSON or as a form. Raises InvalidRequest for any other body."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == _FORM:
            text = parse_qs(text, strict_parsing=True)["payload"][0]
        payload = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        raise InvalidRequest("The webhook's body is neither JSON nor a form with a JSON `payload`.") from None
    if not isinstance(payload, dict):
        raise InvalidRequest("The webhook's payload is not a JSON object.")
    return payload


def at(value: Any, *path: str) -> Any:
    """Returns the value at a path of keys; None if a key is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Returns the text at a path, cut after `LONGEST_TEXT` characters; empty if there is none."""
    content = at(value, *path)
    return content[:LONGEST_TEXT] if isinstance(content, str) else ""


def names(value: Any, *path: str, key: str = "name") -> tuple[str, ...]:
    """Returns the texts under `key` of the objects in the list at a path: the first 100, each cut if it is long."""
    found = (text(each, key)[:_LONGEST_NAME] for each in items(value, *path)[:_MOST_NAMES])
    return tuple(name for name in found if name)


def items(value: Any, *path: str) -> Sequence[Any]:
    """Returns the list at a path; empty if there is none."""
    content = at(value, *path)
    return content if isinstance(content, list) else ()


def required(payload: Mapping[str, Any], what: str, *paths: str) -> list[str]:
    """Returns the texts at paths written with dots.

    Raises InvalidRequest, with `what` as the name of the payload, if one is missing, empty or too long.
    """
    values = [at(payload, *path.split(".")) for path in paths]
    for path, value in zip(paths, values, strict=True):
        if not isinstance(value, str) or not value:
            raise InvalidRequest(f"The {what} lacks `{path}`.")
        if len(value) > LONGEST_TEXT:
            raise InvalidRequest(f"`{path}` of the {what} has more than {LONGEST_TEXT:,} characters.")
    return [str(value) for value in values]


def number(payload: Mapping[str, Any], what: str, *path: str) -> int:
    """Returns the whole number at a path.

    Raises InvalidRequest, with `what` as the payload's name, if there is none.
    """
    content = at(payload, *path)
    if not isinstance(content, int) or isinstance(content, bool):
        raise InvalidRequest(f"The {what} lacks `{'.'.join(path)}`.")
    return content


def changed_paths(commits: Iterable[Any]) -> frozenset[str]:
    """Returns all paths that the commits of a push list."""
    changed: set[str] = set()
    for commit in commits:
        for kind in ("added", "modified", "removed"):
            changed.update(path for path in items(commit, kind) if isinstance(path, str))
    return frozenset(changed)
