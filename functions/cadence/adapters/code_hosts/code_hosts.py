"""Opens repositories on their code hosts, restricted by the installation's egress policy."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from cadence.adapters.code_hosts.bitbucket import BitbucketRepository
from cadence.adapters.code_hosts.bitbucket_data_center import BitbucketDataCenterRepository
from cadence.adapters.code_hosts.gitea import GiteaRepository
from cadence.adapters.code_hosts.github import HEADERS, GitHubRepository
from cadence.adapters.code_hosts.github_checks import GitHubAppRepository
from cadence.adapters.code_hosts.gitlab import GitLabRepository
from cadence.adapters.code_hosts.host_client import HostClient
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.repositories.ports import CodeHost
from cadence.domain.repositories.repository import RepositoryAddress
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.triggers.githost import GitHostKind


class GuardedCodeHosts:
    """Implements CodeHosts. A token is sent to https:// addresses, or to hosts that the installation names."""

    def __init__(self, reach: EgressPolicy) -> None:
        self._reach = reach

    def open(self, address: RepositoryAddress, token: str, *, as_app: bool = False) -> CodeHost:
        page_size = "limit" if address.kind == GitHostKind.GITEA else "per_page"
        client = guarded_client(address.api_url, _headers(address.kind, token), self._reach, page_size=page_size)
        if as_app:
            return GitHubAppRepository(client, address.name)
        match address.kind:
            case GitHostKind.GITHUB:
                return GitHubRepository(client, address.name)
            case GitHostKind.GITLAB:
                return GitLabRepository(client, address.name)
            case GitHostKind.GITEA:
                return GiteaRepository(client, address.name)
        if address.is_data_center:
            return BitbucketDataCenterRepository(client, address.name)
        return BitbucketRepository(client, address.name)


def guarded_client(
    api_url: str, headers: Mapping[str, str], reach: EgressPolicy, *, page_size: str = "per_page"
) -> HostClient:
    """Returns a client of an API, to which secrets are sent over https only, or to hosts that the installation names.

    Raises InvalidRequest for any other address.
    """
    parts = urlsplit(api_url)
    if parts.scheme != "https" and not reach.includes(parts.hostname or "", parts.port):
        message = (
            f"The repository's address has to begin with https://, since {parts.hostname} is not one of the "
            f"{reach.what} of this installation."
        )
        raise InvalidRequest(message, [Violation("/url", message, "bad_address")])
    return HostClient(api_url, headers, reach, page_size=page_size)


def _headers(kind: GitHostKind, token: str) -> Mapping[str, str]:
    match kind:
        case GitHostKind.GITLAB:
            return {"PRIVATE-TOKEN": token}
        case GitHostKind.GITEA:
            return {"Authorization": f"token {token}"}
        case GitHostKind.GITHUB:
            return {**HEADERS, "Authorization": f"Bearer {token}"}
    return {"Authorization": f"Bearer {token}"}
