"""The names and tags of all that a provider makes.

They derive from the runner's id and its owner alone, so that a repetition finds it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cadence.providers.contract import RunnerRequest

_OTHER = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True)
class MachineOwner:
    """The owner of a machine: another installation, organization or pool in the same account never touches it."""

    installation: str
    organization: str
    pool: str

    @property
    def key(self) -> str:
        """A digest of the three in 20 hexadecimal digits: valid in any cloud's labels and filters."""
        whole = f"{self.installation}\n{self.organization}\n{self.pool}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def tags(self, request: RunnerRequest) -> Mapping[str, str]:
        """Returns the tags, for clouds whose tags may hold any text."""
        tags = {
            "cadence-owner": self.key,
            "cadence-installation": self.installation,
            "cadence-organization": self.organization,
            "cadence-pool": self.pool,
            "cadence-runner": request.runner_id,
            "cadence-run": request.run_id,
        }
        if request.expires_at:
            tags["cadence-expires"] = as_seconds(request.expires_at)
        return {name: value for name, value in tags.items() if value}


def host_name(runner_id: str, longest: int = 63) -> str:
    """Returns `cadence-…` in lower-case letters, digits and dashes.

    An id that does not fit keeps its beginning and ends in a digest.
    """
    name = "cadence-" + _OTHER.sub("-", runner_id.lower()).strip("-")
    if len(name) <= longest and name == f"cadence-{runner_id.lower()}":
        return name
    digest = hashlib.sha256(runner_id.encode()).hexdigest()[:16]
    return f"{name[: longest - 17].rstrip('-')}-{digest}"


def as_seconds(at: datetime) -> str:
    """Returns the seconds since 1970, UTC: labels of some clouds allow neither colons nor capitals."""
    return str(int(at.timestamp()))


def from_seconds(text: str | None) -> datetime | None:
    """Returns the time that `as_seconds` wrote; None for any other text."""
    return datetime.fromtimestamp(int(text), UTC) if text and text.isdecimal() else None
