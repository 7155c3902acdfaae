"""`Documents` in the data bucket: immutable, addressed by content, so writing one again changes nothing."""

import hashlib
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain.errors import NotFound
from cadence.domain.ids import document_key


class S3Documents:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self._client.put_object(Bucket=self._bucket, Key=document_key(sha256), Body=content)
        return sha256

    def get(self, sha256: str) -> bytes:
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=document_key(sha256))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                raise NotFound(f"document {sha256} is not kept (any more)") from error
            raise
        return content
