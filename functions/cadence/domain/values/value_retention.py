"""Retention of the values that a pool's runners send: how much is kept, and in which bucket."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ValueCapture(StrEnum):
    """The part of a value that is kept once all its readers have ended. Size, type and times are always kept."""

    FULL = "full"
    DIGEST = "digest"
    NONE = "none"


_STAYS = {ValueCapture.DIGEST: "captures digests only", ValueCapture.NONE: "captures nothing of values"}


@dataclass(frozen=True)
class ValuePolicy:
    """The settings of a pool for its values. `region`, where it is set, must be that of the `bucket`."""

    capture: ValueCapture = ValueCapture.FULL
    bucket: str | None = None
    region: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ValuePolicy":
        """Returns the policy from its fields as JSON data."""
        return cls(**{**data, "capture": ValueCapture(data["capture"])})


@dataclass(frozen=True)
class ValueRetention:
    """The retention of all values that one attempt sends, from the settings of its pool when its runner connected."""

    pool: str
    capture: ValueCapture = ValueCapture.FULL
    bucket: str | None = None  # None: the installation's own

    @classmethod
    def of(cls, pool: str, policy: ValuePolicy) -> "ValueRetention | None":
        """Returns the retention under a pool's policy; None for full retention in the installation's own bucket."""
        if policy.capture is ValueCapture.FULL and policy.bucket is None:
            return None
        return cls(pool, policy.capture, policy.bucket)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ValueRetention":
        """Returns the retention from the result of `plain`."""
        return cls(**{**data, "capture": ValueCapture(data["capture"])})

    @property
    def passes(self) -> bool:
        """Whether the content is removed once its readers have ended."""
        return self.capture is not ValueCapture.FULL

    @property
    def reason(self) -> str:
        """The reason why there is no content, or none in the installation's own tables."""
        if self.passes:
            return f"pool {self.pool} {_STAYS[self.capture]}"
        return f"pool {self.pool} keeps its values in bucket {self.bucket}"


class IncompatibleRetention(Exception):
    """Signals that the parts of a value must be kept in different buckets; the message names these."""


def together(retentions: Iterable[ValueRetention | None]) -> ValueRetention | None:
    """Returns the retention of a value made of several parts: the strictest of its parts; None if no part has one.

    Raises IncompatibleRetention if the parts are kept in different buckets.
    """
    restricted = [part for part in retentions if part is not None]
    if not restricted:
        return None
    buckets = {part.bucket: part for part in restricted if part.bucket is not None}
    if len(buckets) > 1:
        listed = " and ".join(f"{bucket} ({buckets[bucket].pool})" for bucket in sorted(buckets))
        raise IncompatibleRetention(f"its parts are kept in the buckets {listed}, and one value cannot be in both")
    strictest = max(restricted, key=lambda part: list(ValueCapture).index(part.capture))
    return ValueRetention(strictest.pool, strictest.capture, next(iter(buckets), None))


def plain(retention: ValueRetention | None) -> dict[str, Any] | None:
    """Returns a retention as JSON data."""
    return None if retention is None else {**vars(retention), "capture": str(retention.capture)}


def stored(data: Mapping[str, Any] | None) -> ValueRetention | None:
    """Returns the retention from the result of `plain`."""
    return ValueRetention.from_json(data) if data else None


def bucket_of(retention: ValueRetention | None) -> str | None:
    """Returns the bucket of a retention; None for the installation's own."""
    return retention.bucket if retention else None


def bucket_regions(setting: str) -> Mapping[str, str]:
    """Returns the names of buckets for values with their regions, from `name=region,name=region`."""
    return dict(entry.split("=", 1) for entry in setting.split(",") if entry)
