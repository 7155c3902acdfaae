"""Makes ULIDs in lower case: random ones, and ones derived from a key so that a repeated request gets the same id."""

import hashlib
from datetime import datetime

from ulid import ULID

from cadence.domain.runs.run import Run
from cadence.domain.shared import ids


def new_ulid(now: datetime) -> str:
    """Returns a random ULID that sorts by `now`."""
    return str(ULID.from_datetime(now)).lower()


def highest_ulid(at: datetime) -> str:
    """Returns a ULID that sorts after every id made until `at`; of times before 1970, those of its first instant."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + b"\xff" * 10)).lower()


def derived_ulid(first_seen: datetime, *key: str) -> str:
    """Returns a ULID that sorts by `first_seen` and is always the same for the same `first_seen` and `key`."""
    digest = hashlib.sha256("\0".join(key).encode()).digest()
    milliseconds = int(first_seen.timestamp() * 1000)
    return str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + digest[:10])).lower()


def child_run_id(parent: Run, treatment: str) -> str:
    """Returns the id of the run that a treatment of kind `trigger` starts."""
    return derived_ulid(parent.created_at, ids.treatment_id(parent.run_id, treatment), "trigger")
