"""Wiring of connected repositories, as far as the API offers them."""

from dataclasses import dataclass

from cadence.adapters.code_hosts.code_hosts import GuardedCodeHosts
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.access.ports import Cipher
from cadence.application.repositories.connect import ConnectRepository
from cadence.application.repositories.doctor import ExamineRepository
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.reconcile import RecordHeads
from cadence.application.repositories.repository_secrets import OpenRepository, RepositoryKeys
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


@dataclass(frozen=True)
class Repositories:
    """What the routes about repositories use."""

    store: RepositoryStore
    connect: ConnectRepository
    examine: ExamineRepository


def repositories(config: settings.ApiSettings, cipher: Cipher) -> Repositories:
    store, keys = DynamoRepositoryStore(config.repositories_table), RepositoryKeys(cipher)
    hosts = GuardedCodeHosts(EgressPolicy.of(config.git_hosts))
    record_heads = RecordHeads(heads=DynamoHeads(config.repositories_table), clock=now)
    return Repositories(
        store=store,
        connect=ConnectRepository(repositories=store, hosts=hosts, keys=keys, record_heads=record_heads, clock=now),
        examine=ExamineRepository(
            repositories=store,
            reports=DynamoCommitReports(config.repositories_table),
            open_repository=OpenRepository(store, keys, hosts),
        ),
    )
