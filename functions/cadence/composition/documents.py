"""Wiring of what checks documents against their projects."""

from typing import Protocol

from cadence.adapters.aws import client
from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.pipelines import DynamoPipelineStore
from cadence.adapters.kms_secrets import KmsSecretStore
from cadence.adapters.s3_documents import S3Documents, S3LibraryTexts
from cadence.application.check_document import CheckDocument
from cadence.application.fetch_libraries import FetchLibraries
from cadence.application.git_ports import GitReader


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


def check_document(its: DocumentSettings) -> CheckDocument:
    pipelines, documents = DynamoPipelineStore(its.pipelines_table), S3Documents(client("s3"), its.data_bucket)
    texts = S3LibraryTexts(client("s3"), its.data_bucket)
    libraries = FetchLibraries(pipelines, documents, texts, lambda: _git_reader(its.git_hosts))
    secrets = KmsSecretStore(its.access_table, its.secrets_key)
    return CheckDocument(DynamoAccessStore(its.access_table), secrets, libraries)


def _git_reader(hosts: str) -> GitReader:
    """Git is loaded by the first document that uses a definition of a repository: nearly none does."""
    from cadence.adapters.git.reader import DulwichGitReader

    return DulwichGitReader.reaching(hosts)
