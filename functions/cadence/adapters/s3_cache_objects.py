"""`CacheObjects` in the data bucket."""

from cadence.adapters.aws import client


class S3CacheObjects:
    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def remove(self, prefix: str) -> None:
        s3 = client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
            if keys:
                s3.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
