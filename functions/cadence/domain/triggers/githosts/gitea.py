"""Webhooks of Gitea and Forgejo: payloads like GitHub's, with a signature header of their own."""

from cadence.domain.triggers.githosts.format import Headers, WebhookFormat, hmac_sha256, same
from cadence.domain.triggers.githosts.github import ACTED_ON, COMMENT_EVENT, command, read

SIGNATURE_HEADER = "x-gitea-signature"


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Whether the body has the right HMAC-SHA-256 in its `x-gitea-signature` header."""
    return same(hmac_sha256(body, secret), headers.get(SIGNATURE_HEADER, ""))


GITEA = WebhookFormat(
    event_header="x-gitea-event",
    delivery_headers=("x-gitea-delivery",),
    acted_on=ACTED_ON,
    signed=signed,
    read=read,
    commands=frozenset({COMMENT_EVENT}),
    command=command,
    user="cadence",
)
