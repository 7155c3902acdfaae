"""Registers a git host, so that its webhooks are accepted."""

import secrets
from dataclasses import dataclass

from cadence.application.access.ports import Cipher
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.triggers.ports import GitHostStore
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation
from cadence.domain.triggers.githost import GitHost, GitHostKind
from cadence.domain.triggers.githosts import FORMATS


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
        kind: GitHostKind,
        name: str,
        webhook_secret: str | None = None,
        url: str | None = None,
        access_token: str | None = None,
        *,
        programs: bool = False,
    ) -> tuple[GitHost, str]:
        """Returns the git host and its webhook secret, which is generated if it is None and stored encrypted only.

        `access_token` reads private repositories at `url`, by default the kind's own home. Raises InvalidRequest for a
        token without an address to send it to, and Conflict if the project has a git host of that name.
        """
        url = url or FORMATS[kind].home
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
        secret = webhook_secret or secrets.token_urlsafe(32)
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
        one are refused from now on. Raises NotFound.
        """
        secret = given or secrets.token_urlsafe(32)
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


def secret_context(githost_id: str) -> dict[str, str]:
    """Returns the encryption context of a webhook secret."""
    return {"purpose": "webhook", "githost": githost_id}


def token_context(githost_id: str) -> dict[str, str]:
    """Returns the encryption context of an access token."""
    return {"purpose": "git", "githost": githost_id}
