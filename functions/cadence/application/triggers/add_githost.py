"""Registers a git host, so that its webhooks are accepted."""

import base64
import secrets
from dataclasses import dataclass

from cadence.application.access.ports import Cipher
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.triggers.ports import GitHostStore
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation
from cadence.domain.triggers.githost import EventSenderKind, GitHost, GitHostKind, WebhookKind
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.webhook_events import signing_key


@dataclass(frozen=True)
class AddGitHost:
    """Registers git hosts."""

    githosts: GitHostStore
    cipher: Cipher
    clock: Clock

    def add(
        self,
        organization: str,
        project: str,
        kind: WebhookKind,
        name: str,
        webhook_secret: str | None = None,
        url: str | None = None,
        access_token: str | None = None,
        *,
        programs: bool = False,
    ) -> tuple[GitHost, str]:
        """Returns the git host and its webhook secret, which is generated if it is None and stored encrypted only.

        `access_token` reads private repositories at `url`, by default the kind's own home. Raises InvalidRequest for a
        token without an address to send it to and for a secret that is no key, and Conflict if the project has a git
        host of that name.
        """
        if isinstance(kind, GitHostKind):
            url = url or FORMATS[kind].home
        elif url or access_token or programs:
            message = "A sender of the kind `generic` has no repositories: leave out url, access token and programs."
            raise InvalidRequest(message, [Violation("/kind", message)])
        if access_token and not url:
            message = f"An access token needs `url`: where the repositories of this {kind} are."
            raise InvalidRequest(message, [Violation("/url", message)])
        if any((other.project, other.name) == (project, name) for other in self.githosts.list_githosts(organization)):
            raise Conflict(
                f"Project {project} has a git host {name} already, whose webhook secret stays valid. Choose another name, "
                f"replace its secret (`cadence githost set {name} --new-secret`), or delete it "
                f"(`cadence githost delete {name}`)."
            )
        now = self.clock()
        secret = _webhook_secret(kind, webhook_secret)
        githost = GitHost(
            githost_id=new_ulid(now),
            kind=kind,
            organization=organization,
            project=project,
            name=name,
            created_at=now,
            url=url,
            programs=programs,
        )
        encrypted = self.cipher.encrypt(secret.encode(), secret_context(githost.githost_id))
        token = None
        if access_token:
            token = self.cipher.encrypt(access_token.encode(), token_context(githost.githost_id))
        self.githosts.add_githost(githost, encrypted, token)
        return githost, secret


@dataclass(frozen=True)
class RotateGitHost:
    """Replaces the secrets of git hosts."""

    githosts: GitHostStore
    cipher: Cipher

    def webhook_secret(self, githost: GitHost, given: str | None) -> str:
        """Returns the new webhook secret, which is generated if `given` is None. Deliveries signed with the former
        one are refused from now on. Raises NotFound, and InvalidRequest for a secret that is no key.
        """
        secret = _webhook_secret(githost.kind, given)
        encrypted = self.cipher.encrypt(secret.encode(), secret_context(githost.githost_id))
        self.githosts.put_webhook_secret(githost.githost_id, encrypted)
        return secret

    def access_token(self, githost: GitHost, token: str | None) -> None:
        """Replaces the access token, or removes it if `token` is None.

        Raises NotFound, and InvalidRequest for a token without an address to send it to.
        """
        if token and not githost.url:
            message = f"The git host {githost.name} has no address that an access token could be sent to."
            raise InvalidRequest(message, [Violation("/access_token", message)])
        encrypted = self.cipher.encrypt(token.encode(), token_context(githost.githost_id)) if token else None
        self.githosts.put_access_token(githost.githost_id, encrypted)


def _webhook_secret(kind: WebhookKind, given: str | None) -> str:
    if not isinstance(kind, EventSenderKind):
        return given or secrets.token_urlsafe(32)
    secret = given or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    signing_key(secret.encode())
    return secret


def secret_context(githost_id: str) -> dict[str, str]:
    """Returns the encryption context of a webhook secret."""
    return {"purpose": "webhook", "githost": githost_id}


def token_context(githost_id: str) -> dict[str, str]:
    """Returns the encryption context of an access token."""
    return {"purpose": "git", "githost": githost_id}
