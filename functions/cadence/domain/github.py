"""GitHub's webhooks: how they are signed and what a push says."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from cadence.domain.errors import InvalidRequest
from cadence.domain.push import Push

SIGNATURE_HEADER = "x-hub-signature-256"
EVENT_HEADER = "x-github-event"
DELIVERY_HEADER = "x-github-delivery"

_FORM = "application/x-www-form-urlencoded"
# A run keeps it all in one item of its table.
_LONGEST_TEXT = 1_000
# GitHub lists no more; beyond that a push may have changed any path.
_MOST_COMMITS = 2_048


def signed(body: bytes, secret: bytes, signature: str) -> bool:
    """Whether `signature` is that of `body`; takes the same time for every wrong one."""
    return hmac.compare_digest(signature_of(body, secret).encode(), signature.encode("utf-8", "replace"))


def signature_of(body: bytes, secret: bytes) -> str:
    """What the signature's header holds."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


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


def read_push(payload: Mapping[str, Any]) -> Push:
    """Raises InvalidRequest if it lacks what makes a push."""
    repository = _object(payload.get("repository"))
    ref, commit, url = payload.get("ref"), payload.get("after"), repository.get("clone_url")
    if not (isinstance(ref, str) and isinstance(commit, str) and isinstance(url, str) and ref and commit and url):
        raise InvalidRequest("The push lacks `ref`, `after` or `repository.clone_url`.")
    if max(map(len, (ref, commit, url))) > _LONGEST_TEXT:
        raise InvalidRequest(f"`ref`, `after` or `repository.clone_url` has more than {_LONGEST_TEXT} characters.")
    head = _object(payload.get("head_commit"))
    return Push(
        repository=_text(repository.get("full_name")),
        repository_url=url,
        ref=ref,
        commit=commit,
        before=_text(payload.get("before")),
        sender=_text(_object(payload.get("sender")).get("login")),
        author=_text(_object(head.get("author")).get("name")),
        message=_text(head.get("message")),
        deleted=payload.get("deleted") is True or not commit.strip("0"),
        paths=_paths(payload.get("commits")),
    )


def _paths(commits: Any) -> frozenset[str] | None:
    if not isinstance(commits, list) or not commits or len(commits) >= _MOST_COMMITS:
        return None
    changed: set[str] = set()
    for commit in map(_object, commits):
        for kind in ("added", "modified", "removed"):
            listed = commit.get(kind)
            if isinstance(listed, list):
                changed.update(path for path in listed if isinstance(path, str))
    return frozenset(changed)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""
