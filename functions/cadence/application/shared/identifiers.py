"""Makes ULIDs in lower case: random ones, and ones derived from a key so that a repeated request gets the same id."""

import hashlib
from datetime import datetime

from ulid import ULID

from cadence.domain.runs.run import Run
from cadence.domain.shared import ids

_RANDOM_BYTES = 10


def new_ulid(now: datetime) -> str:
    """Returns a random ULID that sorts by `now`."""
    return str(ULID.from_datetime(now)).lower()


def highest_ulid(at: datetime) -> str:
    """Returns a ULID that sorts after every id made until `at`; of times before 1970, those of its first instant."""
    return _ulid(at, b"\xff" * _RANDOM_BYTES)


def lowest_ulid(at: datetime) -> str:
    """Returns a ULID that sorts before every other id made from `at` on; of times before 1970, before every id."""
    return _ulid(at, bytes(_RANDOM_BYTES))


def derived_ulid(first_seen: datetime, *key: str) -> str:
    """Returns a ULID that sorts by `first_seen` and is always the same for the same `first_seen` and `key`."""
    digest = hashlib.sha256("\0".join(key).encode()).digest()
    return _ulid(first_seen, digest[:_RANDOM_BYTES])


def child_run_id(parent: Run, treatment: str) -> str:
    """Returns the id of the run that a treatment of kind `trigger` starts."""
    return derived_ulid(parent.created_at, ids.treatment_id(parent.run_id, treatment), "trigger")


def _ulid(at: datetime, end: bytes) -> str:
    """Returns the ULID of a time, which ids have from 1970 on, with `end` in the place of what is random."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + end)).lower()
