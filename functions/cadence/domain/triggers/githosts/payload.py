"""Reading webhooks' payloads, in which nothing can be relied on."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from cadence.domain.shared.errors import InvalidRequest

_FORM = "application/x-www-form-urlencoded"
# A run keeps it all in one item of its table.
LONGEST_TEXT = 1_000
NO_COMMIT = "0" * 40


def read_payload(body: bytes, content_type: str) -> Mapping[str, Any]:
    """The JSON object of a webhook, sent as JSON or as a form. Raises InvalidRequest."""
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
    """What is at a path of keys; None if it leads nowhere."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """The text at a path, shortened; empty if there is none."""
    found = at(value, *path)
    return found[:LONGEST_TEXT] if isinstance(found, str) else ""


def items(value: Any, *path: str) -> Sequence[Any]:
    found = at(value, *path)
    return found if isinstance(found, list) else ()


def required(payload: Mapping[str, Any], what: str, *paths: str) -> list[str]:
    """The texts at paths written with dots. Raises InvalidRequest if one is missing, empty or too long."""
    found = [at(payload, *path.split(".")) for path in paths]
    for path, value in zip(paths, found, strict=True):
        if not isinstance(value, str) or not value:
            raise InvalidRequest(f"The {what} lacks `{path}`.")
        if len(value) > LONGEST_TEXT:
            raise InvalidRequest(f"`{path}` of the {what} has more than {LONGEST_TEXT:,} characters.")
    return [str(value) for value in found]


def number(payload: Mapping[str, Any], what: str, *path: str) -> int:
    found = at(payload, *path)
    if not isinstance(found, int) or isinstance(found, bool):
        raise InvalidRequest(f"The {what} lacks `{'.'.join(path)}`.")
    return found


def changed_paths(commits: Iterable[Any]) -> frozenset[str]:
    """All paths that the commits of a push list."""
    changed: set[str] = set()
    for commit in commits:
        for kind in ("added", "modified", "removed"):
            changed.update(path for path in items(commit, kind) if isinstance(path, str))
    return frozenset(changed)
