"""How runs of other CI systems are named that are runners here: these have names, and no tags."""

import re
from dataclasses import dataclass
from datetime import datetime

from cadence.providers.contract import RunnerRequest
from cadence.providers.marks import Owner, as_seconds, from_seconds

_MARK = re.compile(r"cadence (?P<runner>\S+) (?P<owner>[0-9a-f]{20}) (?P<expires>\d+)")


@dataclass(frozen=True)
class Mark:
    runner_id: str
    owner: str
    expires_at: datetime | None


def mark(owner: Owner, request: RunnerRequest) -> str:
    """The same in each repetition."""
    expires = as_seconds(request.expires_at) if request.expires_at else "0"
    return f"cadence {request.runner_id} {owner.key} {expires}"


def read_mark(name: str | None) -> Mark | None:
    """`None` for what is no runner."""
    found = _MARK.fullmatch(name or "")
    if found is None:
        return None
    expires = None if found["expires"] == "0" else from_seconds(found["expires"])
    return Mark(found["runner"], found["owner"], expires)
