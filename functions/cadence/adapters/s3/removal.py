"""Removes the objects under a prefix."""

from cadence.adapters.s3.buckets import Buckets
from cadence.domain.shared.errors import Transient


class S3Removal:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def remove(self, prefix: str) -> int:
        """Removes them and returns how many objects there were.

        Raises Transient if some could not be removed; repeating is safe.
        """
        s3, bucket, name = self._buckets.find(prefix)
        removed = 0
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if keys:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    raise Transient(f"Not all objects below {prefix} could be removed.")
                removed += len(keys)
        return removed
