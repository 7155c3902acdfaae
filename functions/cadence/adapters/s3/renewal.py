"""`ObjectRenewal`: copies objects onto themselves, so that the age rules of their bucket count from now."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.s3.buckets import Buckets
from cadence.application.deletion.hold_ports import ObjectRenewal, RenewedObjects
from cadence.domain.shared.errors import Transient

# What the keys of values have in common (`ids.attempt_prefix`).
_VALUES = "/values/"
_GONE = frozenset({"404", "NoSuchKey", "NotFound", "412", "PreconditionFailed"})


class S3Renewal(ObjectRenewal):
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def renew(self, prefix: str, before: datetime) -> RenewedObjects:
        s3, bucket, name = self._buckets.find(prefix)
        renewed, days = 0, Counter[str]()
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name):
                for item in page.get("Contents", ()):
                    if item["LastModified"] < before and self._copied(s3, bucket, item):
                        renewed += 1
                        if _VALUES in item["Key"]:
                            days[f"{item['LastModified'].astimezone(UTC):%Y-%m-%d}"] += item["Size"]
        except ClientError as error:
            answer = error.response["Error"]
            raise Transient(
                f"Objects below {name} in bucket {bucket} could not be kept: {answer.get('Code')} "
                f"{answer.get('Message')}. The role of `retention` needs s3:GetObject and s3:PutObject there."
            ) from error
        except BotoCoreError as error:
            raise Transient(f"The bucket {bucket} cannot be reached or is busy.") from error
        return RenewedObjects(renewed, days)

    @staticmethod
    def _copied(s3: Any, bucket: str, item: dict[str, Any]) -> bool:
        """Copies one object with what it is described by; returns False if it was removed or replaced meanwhile."""
        key = item["Key"]
        try:
            head = s3.head_object(Bucket=bucket, Key=key)
            s3.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource={"Bucket": bucket, "Key": key},
                CopySourceIfMatch=head["ETag"],
                # S3 refuses to copy an object onto itself unless something is stated anew.
                MetadataDirective="REPLACE",
                Metadata=head["Metadata"],
                ContentType=head["ContentType"],
                **({"ContentEncoding": head["ContentEncoding"]} if head.get("ContentEncoding") else {}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return True
