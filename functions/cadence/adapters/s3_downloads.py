"""Addresses that let their bearer read one object of the data bucket for a while."""

from typing import Any

_SECONDS = 900


class S3Downloads:
    """Implements Downloads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def url(self, key: str) -> str:
        address: str = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=_SECONDS
        )
        return address
