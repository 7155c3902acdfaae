"""Finds the bucket of an address (`domain.ids.in_bucket`) among those that this installation was deployed with."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client, client_in, may_succeed_later
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound, Transient
from cadence.domain.values.value_retention import bucket_regions

_log = logging.getLogger("cadence.s3")

_NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})
# What a bucket answers whose owner has removed it, or has changed its policy or that of its key.
_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "NoSuchBucket", "403", "KMS.DisabledException"})


class Buckets:
    """The installation's bucket `own`, and `others`, in which pools may keep values, with their regions."""

    def __init__(self, own: str, others: Mapping[str, str] | None = None, own_client: Any = None) -> None:
        self._own = own
        self._own_client = own_client
        self.others = others or {}

    @classmethod
    def of(cls, own: str, setting: str) -> "Buckets":
        return cls(own, bucket_regions(setting))

    def find(self, address: str) -> tuple[Any, str, str]:
        """Returns a client, the bucket, and the key there. Raises NotFound."""
        bucket, key = ids.bucket_and_key(address)
        if bucket is None:
            return self._own_client or client("s3"), self._own, key
        return client_in("s3", self.region_of(bucket)), bucket, key

    def name_of(self, bucket: str | None) -> tuple[str, str | None]:
        """Returns the bucket's name and region (None: this one). Raises NotFound."""
        return (self._own, None) if bucket is None else (bucket, self.region_of(bucket))

    def region_of(self, bucket: str) -> str:
        if bucket not in self.others:
            raise NotFound(
                f"It is kept in bucket {bucket}, which this installation does not use any more: deploy it with that bucket "
                "in `value_buckets`."
            )
        return self.others[bucket]


@contextmanager
def found(what: str) -> Iterator[None]:
    """Raises NotFound, with the object's name, if it does not exist."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            raise NotFound(f"{what} is not kept (any more)") from error
        raise


def refused(address: str, error: Exception) -> NotFound | None:
    """Returns what to raise where the bucket of a pool refuses for good, which is for its owner to repair; else None.

    The refusal is logged as an error, which the alarm `errors` reports.
    """
    bucket, _ = ids.bucket_and_key(address)
    if bucket is None or not isinstance(error, ClientError) or error.response["Error"]["Code"] not in _REFUSED:
        return None
    code = error.response["Error"]["Code"]
    _log.error("the bucket of a pool refuses", extra={"bucket": bucket, "cause": code})
    return NotFound(
        f"Bucket {bucket} of a pool refuses ({code}): its policy, and that of the key that encrypts it, must allow the "
        "roles of this installation."
    )


@contextmanager
def translated(address: str, busy: str) -> Iterator[None]:
    """Raises Transient(`busy`) for what may succeed later, NotFound if a pool's bucket refuses, else what S3 raised."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if may_succeed_later(error):
            raise Transient(busy) from error
        if refusal := refused(address, error):
            raise refusal from error
        raise
