"""Wiring of connected repositories: how they are opened on their code hosts."""

from cadence.adapters.code_hosts.code_hosts import GuardedCodeHosts
from cadence.adapters.code_hosts.github_apps import GuardedAppHosts
from cadence.adapters.dynamodb.repositories.github_apps import DynamoGitHubApps
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.access.ports import Cipher
from cadence.application.repositories.github_app_tokens import AppKeys, AppTokens
from cadence.application.repositories.repository_secrets import OpenRepository, RepositoryKeys
from cadence.composition.shared.clock import now


def app_tokens(repositories_table: str, git_hosts: str, cipher: Cipher) -> AppTokens:
    """Returns what creates the tokens of GitHub Apps."""
    hosts = GuardedAppHosts(EgressPolicy.of(git_hosts), now)
    return AppTokens(apps=DynamoGitHubApps(repositories_table), keys=AppKeys(cipher), hosts=hosts, clock=now)


def open_repository(repositories_table: str, git_hosts: str, cipher: Cipher) -> OpenRepository:
    """Returns what opens connected repositories with their tokens, or with those of their Apps."""
    return OpenRepository(
        DynamoRepositoryStore(repositories_table),
        RepositoryKeys(cipher),
        GuardedCodeHosts(EgressPolicy.of(git_hosts)),
        app_tokens(repositories_table, git_hosts, cipher),
    )
