"""The format of the webhooks of one kind of git host."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.triggers.comment_commands import HostCommand
from cadence.domain.triggers.git_events import GitEvent

Headers = Mapping[str, str]
"""Headers of a request by lower-case name."""
Payload = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class WebhookFormat:
    """The headers, events and payloads of one kind of git host.

    `signed` takes the same time for every wrong signature. `acted_on` are events that can start runs, `pings` are sent
    to test the webhook. `read` takes the event's name and the payload; it raises InvalidRequest for a payload that
    lacks a required part. The first of `delivery_headers` that is present identifies the delivery; it stays the same
    when the webhook is sent again. `commands` are events that may hold a command (comments, buttons of checks);
    `command` returns the command in one, if there is one. `user` is the user name with which repositories are read by
    access token.
    """

    event_header: str
    delivery_headers: tuple[str, ...]
    acted_on: frozenset[str]
    signed: Callable[[Headers, bytes, bytes], bool]
    read: Callable[[str, Payload], Sequence[GitEvent]]
    user: str
    home: str | None = None
    pings: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    command: Callable[[Payload], HostCommand | None] = lambda _: None

    def delivery(self, headers: Headers) -> str:
        """Returns the id of the delivery; empty if no header has one."""
        return next((headers[name] for name in self.delivery_headers if headers.get(name)), "")


def hmac_sha256(body: bytes, secret: bytes) -> str:
    """Returns the HMAC-SHA-256 of a body (hex)."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal; takes the same time for every difference."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
