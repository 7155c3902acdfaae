"""`ObjectPlaces`: what the buckets say of the objects of runs."""

from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws import clients
from cadence.adapters.s3.buckets import Buckets
from cadence.application.values.locate_run_data import FoundObject, ObjectPlaces
from cadence.domain.shared.errors import Transient


class S3ObjectPlaces(ObjectPlaces):
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def find(self, prefix: str) -> Iterable[FoundObject]:
        s3, bucket, name = self._buckets.find(prefix)
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name):
                for item in page.get("Contents", ()):
                    yield FoundObject(item["Key"], int(item["Size"]), item["LastModified"])
        except (BotoCoreError, ClientError) as error:
            raise Transient(f"The objects below {name} in bucket {bucket} could not be listed: {error}") from error

    def place(self, bucket: str | None) -> tuple[str, str | None]:
        name, region = self._buckets.name_of(bucket)
        return name, region or clients.REGION

    def encryption(self, address: str) -> str | None:
        s3, bucket, name = self._buckets.find(address)
        try:
            head = s3.head_object(Bucket=bucket, Key=name)
        except (BotoCoreError, ClientError):
            return None  # it was removed meanwhile, or its key is not for this role
        kind = str(head.get("ServerSideEncryption", ""))
        key = head.get("SSEKMSKeyId")
        return {"": "not encrypted by S3", "AES256": "S3's key (AES-256)"}.get(kind, f"{kind}, key {key}")
