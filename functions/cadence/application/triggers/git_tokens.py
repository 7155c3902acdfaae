"""Selects the access token that reads a repository: that of a git host, at its own address only."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from cadence.application.access.ports import Cipher
from cadence.application.shared.git_ports import GitCredentials
from cadence.application.triggers.add_githost import token_context
from cadence.application.triggers.ports import GitHostStore
from cadence.domain.triggers.githost import GitHost, GitHostKind
from cadence.domain.triggers.githosts import FORMATS


@dataclass(frozen=True)
class GitTokens:
    """Implements RepositoryCredentials."""

    githosts: GitHostStore
    cipher: Cipher

    def find(self, organization: str, project: str, url: str) -> GitCredentials | None:
        """Returns the credentials of the project's git host for `url`, None if there are none."""
        hosts = (host for host in self.githosts.list_githosts(organization) if host.project == project)
        return next((credentials for host in hosts if (credentials := self.of(host, url)) is not None), None)

    def of(self, githost: GitHost, url: str) -> GitCredentials | None:
        """Returns the git host's own token, only for repositories on that host, as any user may have named `url`."""
        if not isinstance(githost.kind, GitHostKind) or githost.url is None or _origin(url) != _origin(githost.url):
            return None
        encrypted = self.githosts.access_token(githost.githost_id)
        if encrypted is None:
            return None
        token = self.cipher.decrypt(encrypted, token_context(githost.githost_id))
        return GitCredentials(FORMATS[githost.kind].user, token.decode())


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme.lower(), parts.netloc.lower()
