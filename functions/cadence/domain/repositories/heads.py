"""Heads of a repository: its branches and open pull requests, each at the commit that it is at."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.triggers import PullRequestType

HEAD_EVENT = "cadence-head"
"""The event of a delivery that Cadence makes itself. No webhook has it."""
_PREFIX = "head-"
_PATIENCE = timedelta(hours=1)
NEVER = "0" * 40


@dataclass(frozen=True, kw_only=True)
class DeliveryKey:
    """What the ids of an event's runs derive from: a delivery, the number of the event in it, and when it came."""

    delivery_id: str
    number: int
    first_seen: datetime

    @property
    def reconciled(self) -> bool:
        """Whether the reconciler found the event, before a webhook brought it."""
        return self.delivery_id.startswith(_PREFIX)


@dataclass(frozen=True, kw_only=True)
class KnownHead:
    """A head whose event is processed under `key`. `done` once its runs are started."""

    key: DeliveryKey
    done: bool

    def missing(self, now: datetime) -> bool:
        """Whether its event was left unprocessed: the delivery that brought it would have been retried by then."""
        return not self.done and now - self.key.first_seen > _PATIENCE


def head_name(event: GitEvent) -> str:
    """Returns what names a head in its repository: the branch, tag or pull request, and the commit."""
    what = f"pull/{event.number}" if isinstance(event, PullRequest) else event.ref
    return f"{what}@{event.commit}"


def head_delivery(name: str) -> str:
    """Returns the id of the reconciler's delivery of a head: always the same."""
    return _PREFIX + hashlib.sha256(name.encode()).hexdigest()[:40]


def encode_event(event: Push | PullRequest) -> bytes:
    """Returns the event of a head as JSON."""
    data: dict[str, Any] = asdict(event)
    paths = data.pop("paths")
    kind = "push" if isinstance(event, Push) else "pull_request"
    return json.dumps({"kind": kind, **data, "paths": None if paths is None else sorted(paths)}).encode()


def decode_event(content: bytes) -> Push | PullRequest:
    """Returns the event that `encode_event` wrote."""
    data = json.loads(content)
    kind, paths = data.pop("kind"), data.pop("paths")
    data["paths"] = None if paths is None else frozenset(paths)
    if kind == "push":
        return Push(**data)
    for name in ("labels", "changed_labels"):
        data[name] = tuple(data.get(name) or ())
    data["type"] = PullRequestType(data["type"]) if data.get("type") else None
    return PullRequest(**data)
