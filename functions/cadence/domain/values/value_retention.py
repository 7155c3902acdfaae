"""What stays of the values that a pool's runners send, and in which bucket they are while they are there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ValueCapture(StrEnum):
    """What stays of a value once all that read from it have ended. Size, type and times always do."""

    FULL = "full"
    DIGEST = "digest"
    NONE = "none"


_STAYS = {ValueCapture.DIGEST: "captures digests only", ValueCapture.NONE: "captures nothing of values"}


@dataclass(frozen=True)
class ValuePolicy:
    """What a pool's owner said of its values. `region`, where it is given, must be that of the `bucket`."""

    capture: ValueCapture = ValueCapture.FULL
    bucket: str | None = None
    region: str | None = None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ValuePolicy":
        return cls(**{**kept, "capture": ValueCapture(kept["capture"])})


@dataclass(frozen=True)
class ValueRetention:
    """What holds for all that one attempt sends, as its pool said when its runner called home."""

    pool: str
    capture: ValueCapture = ValueCapture.FULL
    bucket: str | None = None  # None: the installation's own

    @classmethod
    def of(cls, pool: str, policy: ValuePolicy) -> "ValueRetention | None":
        """None for what is kept as usual: in full, in the installation's own bucket."""
        if policy.capture is ValueCapture.FULL and policy.bucket is None:
            return None
        return cls(pool, policy.capture, policy.bucket)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ValueRetention":
        return cls(**{**kept, "capture": ValueCapture(kept["capture"])})

    @property
    def passes(self) -> bool:
        """Whether the content is only for those that read it while the run goes on."""
        return self.capture is not ValueCapture.FULL

    @property
    def reason(self) -> str:
        """Why there is no content, or none in the installation's own tables."""
        if self.passes:
            return f"pool {self.pool} {_STAYS[self.capture]}"
        return f"pool {self.pool} keeps its values in bucket {self.bucket}"


class IncompatibleRetention(Exception):
    """Content cannot be kept where all of its parts may be; the message says which parts are where."""


def together(retentions: Iterable[ValueRetention | None]) -> ValueRetention | None:
    """What holds for content made of several parts: the strictest of what holds for them. Raises ApartError."""
    found = [one for one in retentions if one is not None]
    if not found:
        return None
    places = {one.bucket: one for one in found if one.bucket is not None}
    if len(places) > 1:
        listed = " and ".join(f"{bucket} ({places[bucket].pool})" for bucket in sorted(places))
        raise IncompatibleRetention(f"its parts are kept in the buckets {listed}, and one value cannot be in both")
    strictest = max(found, key=lambda one: list(ValueCapture).index(one.capture))
    return ValueRetention(strictest.pool, strictest.capture, next(iter(places), None))


def plain(retention: ValueRetention | None) -> dict[str, Any] | None:
    """As JSON."""
    return None if retention is None else {**vars(retention), "capture": str(retention.capture)}


def stored(kept: Mapping[str, Any] | None) -> ValueRetention | None:
    return ValueRetention.from_json(kept) if kept else None


def bucket_of(retention: ValueRetention | None) -> str | None:
    return retention.bucket if retention else None


def bucket_regions(setting: str) -> Mapping[str, str]:
    """Names of buckets for values with their regions, from `name=region,name=region`."""
    return dict(one.split("=", 1) for one in setting.split(",") if one)
