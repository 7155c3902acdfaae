"""Measures and removes objects with all their versions, in the installation's bucket and in those of pools."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import may_succeed_later
from cadence.adapters.s3.buckets import Buckets
from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import Transient

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class S3StoredObjects:
    """An object that was written within `recent` may be in use again; `remove_old` leaves it."""

    def __init__(self, buckets: Buckets, clock: Clock, recent: timedelta) -> None:
        self._buckets, self._clock, self._recent = buckets, clock, recent
        self.buckets: Sequence[str] = tuple(sorted(buckets.others))

    def measure(self, prefix: str) -> tuple[int, int]:
        """Returns the number of objects below a prefix, with all versions, and their bytes."""
        number = size = 0
        for version in self._versions(prefix):
            number, size = number + 1, size + int(version.get("Size", 0))
        return number, size

    def remove_all(self, prefix: str) -> tuple[int, int]:
        """Removes the objects below a prefix with all versions; returns their number and bytes.

        Raises Transient; repeating is safe.
        """
        s3, bucket, name = self._buckets.find(prefix)
        number = size = 0
        for page in self._pages(prefix):
            if not page:
                continue
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page]
            try:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            except (BotoCoreError, ClientError) as error:
                raise _translated(error, prefix) from error
            if answer.get("Errors"):
                first: Mapping[str, str] = answer["Errors"][0]
                raise Transient(
                    f"{len(answer['Errors'])} objects below {name} in bucket {bucket} could not be removed: "
                    f"{first.get('Code')} {first.get('Message')}"
                )
            number, size = number + len(page), size + sum(int(one.get("Size", 0)) for one in page)
        return number, size

    def remove_old(self, key: str) -> tuple[int, int]:
        """Removes one object unless it was written a short time ago; returns its number (0 or 1) and bytes."""
        s3, bucket, name = self._buckets.find(key)
        try:
            head = s3.head_object(Bucket=bucket, Key=name)
            if self._clock() - head["LastModified"] < self._recent:
                return 0, 0
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return 0, 0
            raise _translated(error, key) from error
        except BotoCoreError as error:
            raise _translated(error, key) from error
        self.remove_all(key)
        return 1, int(head["ContentLength"])

    def _versions(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        for page in self._pages(prefix):
            yield from page

    def _pages(self, prefix: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        s3, bucket, name = self._buckets.find(prefix)
        try:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name):
                yield [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        except (BotoCoreError, ClientError) as error:
            raise _translated(error, prefix) from error


def _translated(error: Exception, prefix: str) -> Exception:
    """Returns what to raise: a bucket that refuses for good is repaired by its owner, and asked again."""
    if isinstance(error, ClientError) and not may_succeed_later(error):
        answer = error.response["Error"]
        return Transient(f"Objects below {prefix} could not be removed: {answer.get('Code')} {answer.get('Message')}")
    return Transient(f"The store of {prefix} cannot be reached or is busy.")
