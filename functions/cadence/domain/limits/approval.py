"""Approvals that an environment requires before a treatment starts, and the decisions about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalVerdict(StrEnum):
    """The verdict of a decision."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """The rule of the environment at the time when the treatment requested its approval.

    `approvers` are names of tokens (None: every token with the permission).
    """

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
    """One decision about an approval request.

    `approver` is the id of the token that decided, or that created the link; each token decides once.
    `by` is the name shown to users.
    """

    run_id: str
    treatment: str
    verdict: ApprovalVerdict
    approver: str
    by: str
    at: datetime
    comment: str = ""


def obstacle(request: ApprovalRequest, name: str, created_by: str) -> str | None:
    """Returns why a token of this name cannot approve, by the rule of the environment; None if it can."""
    if request.approvers is not None and name not in request.approvers:
        return f"Environment {request.environment} is approved only by: {', '.join(request.approvers)}."
    if request.not_by_starter and name == created_by:
        return f"Environment {request.environment} cannot be approved by the user who started the run."
    return None


def outcome(request: ApprovalRequest, decisions: Sequence[Decision]) -> ApprovalVerdict | None:
    """Returns the verdict: one refusal refuses, the required number of approvals approves; None while it is open."""
    if any(decision.verdict is ApprovalVerdict.REFUSE for decision in decisions):
        return ApprovalVerdict.REFUSE
    return ApprovalVerdict.APPROVE if len(decisions) >= request.required else None
