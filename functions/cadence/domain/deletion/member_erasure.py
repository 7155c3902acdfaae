"""The erasure of what is stored of a person, and the certificate that remains of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

STAYS: Final = (
    "Entries of the audit log, for a year: the member's id, and addresses of requests; they are links of a hash chain.",
    "Runs, pipelines, approvals and environments, with their project: the member's id, and comments of approvals.",
    "Events of code hosts, with their runs: the login and the commit's author as the code host sent them.",
    "Log lines and values, as long as their project keeps them: whatever programs wrote there.",
    "What was sent elsewhere: to receivers of exports, alerts and the audit log, and to a locked bucket of the audit log.",
    "The organization's own directory or identity provider, which may provision the person again.",
    "DynamoDB's point-in-time recovery, which can restore the tables of the last 35 days.",
)
"""What an erasure leaves, and why."""


@dataclass(frozen=True, kw_only=True)
class MemberErasure:
    """One erasure of a member's data; it holds no name and no address.

    `requested_by` is the id of a member, a service account or a token. `removed` counts what was removed, by kind.
    It is finished at `finished_at`; before that, a repetition goes on.
    """

    erasure_id: str
    organization: str
    member_id: str
    requested_at: datetime
    requested_by: str
    removed: Mapping[str, int] = field(default_factory=dict)
    finished_at: datetime | None = None
