"""Wiring of the checks of documents against their projects."""

from typing import Protocol

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.kms_secrets import KmsSecretStore
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.pipelines.program_store import DynamoProgramStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.documents import S3Documents, S3LibraryTexts
from cadence.application.pipelines.check_document import CheckDocument, FreezeDocument
from cadence.application.pipelines.fetch_libraries import FetchLibraries
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.programs import Programs
from cadence.application.pipelines.store_pipelines import FreezePipeline
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.git_ports import GitReader, no_credentials
from cadence.application.triggers.git_tokens import GitTokens
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.composition.shared.clock import now


class DocumentSettings(Protocol):
    @property
    def access_table(self) -> str: ...
    @property
    def pipelines_table(self) -> str: ...
    @property
    def data_bucket(self) -> str: ...
    @property
    def secrets_key(self) -> str: ...
    @property
    def git_hosts(self) -> str: ...


def check_document(config: DocumentSettings, *, decrypts: bool = True) -> CheckDocument:
    """Returns the checks.

    Only with `decrypts` they can read private repositories, with the access tokens of git hosts.
    """
    pipelines, documents = DynamoPipelineStore(config.pipelines_table), S3Documents(client("s3"), config.data_bucket)
    texts = S3LibraryTexts(client("s3"), config.data_bucket)
    access = DynamoAccessStore(config.access_table)
    credentials = GitTokens(access, KmsCipher(config.secrets_key)).find if decrypts else no_credentials
    libraries = FetchLibraries(
        pipelines=pipelines,
        documents=documents,
        kept=texts,
        git=lambda: _git_reader(config.git_hosts),
        credentials=credentials,
    )
    secrets = KmsSecretStore(config.access_table, config.secrets_key)
    environments = DynamoEnvironmentStore(config.access_table)
    return CheckDocument(
        pools=access, secrets=secrets, libraries=libraries.fetch, environments=environments, programs=programs(config)
    )


def programs(config: DocumentSettings) -> Programs:
    documents = S3Documents(client("s3"), config.data_bucket)
    return Programs(DynamoProgramStore(config.access_table), documents, now)


def start_triggered(config: DocumentSettings, start: StartRun) -> StartTriggered:
    pipelines, documents = DynamoPipelineStore(config.pipelines_table), S3Documents(client("s3"), config.data_bucket)
    freeze = FreezePipeline(pipelines, documents, FreezeDocument(check_document(config), documents))
    return StartTriggered(freeze, PlanRun(documents), start)


def _git_reader(hosts: str) -> GitReader:
    """Returns a git reader, imported by the first document that uses a repository's definition: hardly any does."""
    from cadence.adapters.git.reader import DulwichGitReader

    return DulwichGitReader.reaching(hosts)
