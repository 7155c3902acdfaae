"""`Documents` in the data bucket: immutable and addressed by content, so that writing one again changes nothing."""

import hashlib
from typing import Any

from cadence.adapters.s3.buckets import found
from cadence.domain.shared.ids import document_key, library_key


class S3Documents:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self._client.put_object(Bucket=self._bucket, Key=document_key(sha256), Body=content)
        return sha256

    def get(self, sha256: str) -> bytes:
        return read_document(self._client, self._bucket, document_key(sha256))


class S3LibraryTexts:
    """Implements LibraryTexts: they lie beside the documents, each under the project that read it."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=_library_key(key), Body=content)

    def get(self, key: str) -> bytes:
        return read_document(self._client, self._bucket, _library_key(key))


def read_document(client: Any, bucket: str, key: str) -> bytes:
    """Returns the document's text. Raises NotFound."""
    with found(f"document {key.rpartition('/')[2]}"):
        content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def _library_key(key: str) -> str:
    organization, project, named = key.split("\n", 2)
    return library_key(organization, project, hashlib.sha256(named.encode()).hexdigest())
