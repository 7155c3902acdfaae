"""Removes what is under a prefix of the data bucket."""

from cadence.adapters.aws import client
from cadence.domain.errors import Transient


class S3Removal:
    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def __call__(self, prefix: str) -> int:
        """How many objects there were. Raises Transient if some could not be removed; repeating is safe."""
        removed = 0
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if keys:
                answer = client("s3").delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    raise Transient(f"Not all objects below {prefix} could be removed.")
                removed += len(keys)
        return removed
