"""ULIDs, lower case: random ones, and ones derived from what must lead to the same thing whenever it comes again."""

import hashlib
from datetime import datetime

from ulid import ULID

from cadence.domain.runs.run import Run
from cadence.domain.shared import ids


def new_ulid(now: datetime) -> str:
    return str(ULID.from_datetime(now)).lower()


def highest_ulid(at: datetime) -> str:
    """Sorts after every id that was made until then."""
    return str(ULID.from_bytes(int(at.timestamp() * 1000).to_bytes(6, "big") + b"\xff" * 10)).lower()


def derived_ulid(first_seen: datetime, *key: str) -> str:
    """Sorted by `first_seen`, and always the same for the same `first_seen` and `key`."""
    digest = hashlib.sha256("\0".join(key).encode()).digest()
    milliseconds = int(first_seen.timestamp() * 1000)
    return str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + digest[:10])).lower()


def child_run_id(parent: Run, treatment: str) -> str:
    """The id of the run that a treatment of kind `trigger` starts."""
    return derived_ulid(parent.created_at, ids.treatment_id(parent.run_id, treatment), "trigger")
