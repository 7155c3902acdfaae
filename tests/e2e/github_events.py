"""What GitHub sends, signed as it signs."""

import json
import uuid
from typing import Any

import requests

from cadence.domain.triggers.githosts import github


def deliver(url: str, body: bytes, event: str, secret: str, delivery: str | None = None) -> requests.Response:
    """Sends an event to a webhook's address, with a delivery id of its own unless one is given."""
    headers = {
        "content-type": "application/json",
        github.EVENT_HEADER: event,
        github.DELIVERY_HEADER: delivery or uuid.uuid4().hex,
        github.SIGNATURE_HEADER: github.signature_of(body, secret.encode()),
    }
    return requests.post(url, data=body, headers=headers, timeout=60)


def repository(number: int, name: str, clone_url: str) -> dict[str, Any]:
    return {"id": number, "full_name": name, "clone_url": clone_url, "default_branch": "main"}


def pull_request_of_a_fork(number: int, clone_url: str, base: str, head: str) -> bytes:
    """The body that announces eve's pull request, of the branch `change` of her fork, to acme's `main`."""
    payload = {
        "action": "opened",
        "number": number,
        "pull_request": {
            "title": "A change",
            "user": {"login": "eve"},
            "head": {"ref": "change", "sha": head, "repo": repository(2, "eve/web", clone_url)},
            "base": {"ref": "main", "sha": base, "repo": repository(1, "acme/web", clone_url)},
        },
        "sender": {"login": "eve"},
    }
    return json.dumps(payload).encode()
