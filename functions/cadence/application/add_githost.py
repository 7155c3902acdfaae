"""Makes a git host known, so that its webhooks are accepted."""

import secrets
from dataclasses import dataclass

from cadence.application.access_ports import Cipher, GitHostStore
from cadence.application.identifiers import new_ulid
from cadence.application.ports import Clock
from cadence.domain.githost import GitHost, GitHostKind


@dataclass(frozen=True)
class AddGitHost:
    githosts: GitHostStore
    cipher: Cipher
    clock: Clock

    def __call__(
        self, organization: str, project: str, kind: GitHostKind, name: str, webhook_secret: str | None = None
    ) -> tuple[GitHost, str]:
        """The git host and its webhook secret, made up if none is given; afterwards it is kept encrypted only."""
        now = self.clock()
        secret = webhook_secret or secrets.token_urlsafe(32)
        githost = GitHost(new_ulid(now), kind, organization, project, name, now)
        encrypted = self.cipher.encrypt(secret.encode(), secret_context(githost.githost_id))
        self.githosts.add_githost(githost, encrypted)
        return githost, secret


def secret_context(githost_id: str) -> dict[str, str]:
    """What a webhook secret's ciphertext is bound to."""
    return {"purpose": "webhook", "githost": githost_id}
