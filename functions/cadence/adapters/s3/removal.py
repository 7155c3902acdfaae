"""Removes the objects under a prefix."""

from collections import Counter
from datetime import UTC

from cadence.adapters.s3.buckets import Buckets
from cadence.application.values.storage import RemovedObjects
from cadence.domain.shared.errors import Transient

# What the keys of values have in common (`ids.attempt_prefix`).
_VALUES = "/values/"


class S3Removal:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def remove(self, prefix: str) -> int:
        """Removes them and returns how many objects there were.

        Raises Transient if some could not be removed; repeating is safe.
        """
        return self.remove_values(prefix).objects

    def remove_values(self, prefix: str) -> RemovedObjects:
        """Removes the objects under a prefix; returns how many there were, and the bytes of values by day.

        Raises Transient if some could not be removed; repeating is safe.
        """
        s3, bucket, name = self._buckets.find(prefix)
        removed, days = 0, Counter[str]()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if keys:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    raise Transient(f"Not all objects below {prefix} could be removed.")
                removed += len(keys)
                for item in page["Contents"]:
                    if _VALUES in item["Key"]:
                        days[f"{item['LastModified'].astimezone(UTC):%Y-%m-%d}"] += item["Size"]
        return RemovedObjects(removed, days)
