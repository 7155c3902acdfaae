"""Addresses that let their bearer read one object of the data bucket for a while."""

from cadence.adapters.aws import client

_SECONDS = 900


class S3Downloads:
    """Implements Downloads."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def url(self, key: str) -> str:
        address: str = client("s3").generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=_SECONDS
        )
        return address
