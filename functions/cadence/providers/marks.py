"""How what a provider makes is named and marked: from the runner's id and its owner alone, so that a repetition finds it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cadence.providers.contract import RunnerRequest

_OTHER = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True)
class MachineOwner:
    """Whose a machine is: another installation, organization or pool in the same account never touches it."""

    installation: str
    organization: str
    pool: str

    @property
    def key(self) -> str:
        """The three in 20 hexadecimal digits: fit for any cloud's labels and filters."""
        whole = f"{self.installation}\n{self.organization}\n{self.pool}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def tags(self, request: RunnerRequest) -> Mapping[str, str]:
        """For clouds whose tags may hold any text."""
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
    """`cadence-…` in lower-case letters, digits and dashes. An id that does not fit keeps its beginning and ends in a digest."""
    name = "cadence-" + _OTHER.sub("-", runner_id.lower()).strip("-")
    if len(name) <= longest and name == f"cadence-{runner_id.lower()}":
        return name
    digest = hashlib.sha256(runner_id.encode()).hexdigest()[:16]
    return f"{name[: longest - 17].rstrip('-')}-{digest}"


def as_seconds(at: datetime) -> str:
    """Since 1970, UTC: labels of some clouds take neither colons nor capitals."""
    return str(int(at.timestamp()))


def from_seconds(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text and text.isdecimal() else None
