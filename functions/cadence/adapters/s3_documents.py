"""Documents by digest in the bucket `data`. Equal content has one key, so writing it again changes nothing."""

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cadence.domain.errors import NotFound
from cadence.domain.ids import document_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Documents:
    """Implements Documents."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self._client.put_object(Bucket=self._bucket, Key=document_key(sha256), Body=content)
        return sha256

    def get(self, sha256: str) -> bytes:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=document_key(sha256))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                raise NotFound(f"The document {sha256} is not stored.") from None
            raise


class S3Downloads:
    """Implements Downloads: addresses that let their bearer read one object for a while."""

    def __init__(self, client: "S3Client", bucket: str, seconds: int = 900) -> None:
        self._client = client
        self._bucket = bucket
        self._seconds = seconds

    def url(self, key: str) -> str:
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=self._seconds
        )
