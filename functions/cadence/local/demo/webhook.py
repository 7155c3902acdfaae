"""Sends a push as GitHub does: the payload, its signature and its headers."""

import json
import uuid
from dataclasses import dataclass

import requests

from cadence.domain.triggers.githosts import github
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.git_head import RepositoryHead


@dataclass(frozen=True)
class Webhook:
    """Where a git host sends its events, and the secret that signs them."""

    url: str
    secret: str

    def push(self, head: RepositoryHead) -> str:
        """Sends the push of one commit; returns the id of the delivery.

        Raises LocalStackError if it is not accepted.
        """
        body = json.dumps(_payload(head)).encode()
        delivery = str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/local",
            github.DELIVERY_HEADER: delivery,
            github.EVENT_HEADER: "push",
            github.SIGNATURE_HEADER: github.signature_of(body, self.secret.encode()),
        }
        response = requests.post(self.url, data=body, headers=headers, timeout=30)
        if response.status_code != 202:
            raise LocalStackError(f"The webhook was refused with status {response.status_code}: {response.text}")
        return delivery


def _payload(head: RepositoryHead) -> dict[str, object]:
    person = {"name": head.author, "email": "", "username": head.author}
    commit = {"id": head.commit, "message": head.message, "author": person, "committer": person}
    name = head.url.rstrip("/").rpartition("/")[2]
    return {
        "ref": head.ref,
        "before": "0" * 40,
        "after": head.commit,
        "created": False,
        "deleted": False,
        "forced": False,
        "repository": {"name": name, "full_name": f"local/{name}", "clone_url": head.url, "default_branch": "main"},
        "pusher": {"name": head.author},
        "sender": {"login": head.author},
        "head_commit": commit,
        "commits": [],
    }
