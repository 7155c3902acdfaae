"""Wiring of connected repositories, as far as the API offers them."""

from dataclasses import dataclass

from cadence.adapters.code_hosts.code_hosts import GuardedCodeHosts
from cadence.adapters.code_hosts.github_apps import GuardedAppHosts
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.github_apps import DynamoGitHubApps
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.application.access.ports import Cipher
from cadence.application.repositories.branch_protection import RenewProtection
from cadence.application.repositories.connect import ConnectRepository
from cadence.application.repositories.connect_with_app import ConnectWithApp
from cadence.application.repositories.doctor import ExamineRepository
from cadence.application.repositories.github_app_ports import GitHubAppStore
from cadence.application.repositories.github_app_tokens import AppKeys
from cadence.application.repositories.manage_github_apps import ManageGitHubApps
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.reconcile import RecordHeads
from cadence.application.repositories.repository_secrets import OpenRepository, RepositoryKeys
from cadence.application.repositories.working_tree import StoreWorkingTree
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.repositories import app_tokens


@dataclass(frozen=True)
class Repositories:
    """What the routes about repositories use."""

    store: RepositoryStore
    connect: ConnectRepository
    connect_with_app: ConnectWithApp
    examine: ExamineRepository
    apps: GitHubAppStore
    manage_apps: ManageGitHubApps
    working_tree: StoreWorkingTree
    renew_protection: RenewProtection


def repositories(config: settings.ApiSettings, cipher: Cipher) -> Repositories:
    store, keys = DynamoRepositoryStore(config.repositories_table), RepositoryKeys(cipher)
    apps, reach = DynamoGitHubApps(config.repositories_table), EgressPolicy.of(config.git_hosts)
    tokens = app_tokens(config.repositories_table, config.git_hosts, cipher)
    hosts = GuardedCodeHosts(reach)
    opened = OpenRepository(store, keys, hosts, tokens)
    record_heads = RecordHeads(heads=DynamoHeads(config.repositories_table), clock=now)
    return Repositories(
        store=store,
        connect=ConnectRepository(repositories=store, hosts=hosts, keys=keys, record_heads=record_heads, clock=now),
        connect_with_app=ConnectWithApp(
            repositories=store, hosts=hosts, app_tokens=tokens, record_heads=record_heads, clock=now
        ),
        examine=ExamineRepository(
            repositories=store,
            reports=DynamoCommitReports(config.repositories_table),
            open_repository=opened,
            apps=apps,
            app_tokens=tokens,
        ),
        apps=apps,
        manage_apps=ManageGitHubApps(
            apps=apps,
            repositories=store,
            keys=AppKeys(cipher),
            hosts=GuardedAppHosts(reach, now),
            tokens=tokens,
            clock=now,
        ),
        working_tree=StoreWorkingTree(S3Chunks(Buckets(config.data_bucket)).write),
        renew_protection=RenewProtection(
            repositories=store,
            environments=DynamoEnvironmentStore(config.access_table),
            open_repository=opened,
        ),
    )
