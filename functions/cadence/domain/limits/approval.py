"""Approvals: what a treatment was asked to wait for by its environment, and who decided how."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalVerdict(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """As the environment had it when the treatment asked. `approvers` are tokens' names (None: whoever has the permission)."""

    run_id: str
    treatment: str
    environment: str
    required: int
    approvers: tuple[str, ...] | None
    not_by_starter: bool
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`approver` is the id of the token that decided, or that made the link; each decides once. `by` is shown to people."""

    run_id: str
    treatment: str
    verdict: ApprovalVerdict
    approver: str
    by: str
    at: datetime
    comment: str = ""


def outcome(request: ApprovalRequest, decisions: Sequence[Decision]) -> ApprovalVerdict | None:
    """The first refusal decides; else as many approvals as are required. None while it is open."""
    if any(decision.verdict is ApprovalVerdict.REFUSE for decision in decisions):
        return ApprovalVerdict.REFUSE
    return ApprovalVerdict.APPROVE if len(decisions) >= request.required else None
