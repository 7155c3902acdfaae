"""Approvals that an environment requires before a treatment starts, and the decisions about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cadence.domain.access.access import Principal
from cadence.domain.access.people import Subject


class ApprovalVerdict(StrEnum):
    """The verdict of a decision."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """The rule of the environment at the time when the treatment requested its approval.

    `approvers` are as in `ApprovalRule` (None: everyone with the permission).
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

    `approver` is the id of the member, service account or token that decided, or that created the link; each decides
    once. `by` is the name shown to users.
    """

    run_id: str
    treatment: str
    verdict: ApprovalVerdict
    approver: str
    by: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Approver:
    """The member, service account or token that decides.

    `actor` is the id that decides once, `author` what a run that it started calls it. `names` are those by which an
    environment may name it: its subject and those of its teams at this moment, or the name of a token without a holder.
    """

    actor: str
    author: str
    names: frozenset[str]

    @classmethod
    def of(cls, principal: Principal) -> "Approver":
        """Returns the approver that a principal is."""
        if principal.subject is None:
            return cls.of_token(principal.token_id, principal.name)
        return cls(actor=principal.actor_id, author=principal.author, names=principal.subjects)

    @classmethod
    def of_token(cls, token_id: str, name: str) -> "Approver":
        """Returns the approver that a token without a holder is. A name like `team:dev` does not make it that team."""
        return cls(actor=token_id, author=name, names=frozenset() if Subject.matches(name) else frozenset({name}))


def obstacle(request: ApprovalRequest, approver: Approver, created_by: str) -> str | None:
    """Returns why an approver cannot approve, by the rule of the environment; None if it can."""
    if request.approvers is not None and approver.names.isdisjoint(request.approvers):
        return f"Environment {request.environment} is approved only by: {', '.join(request.approvers)}."
    if request.not_by_starter and approver.author == created_by:
        return f"Environment {request.environment} cannot be approved by the user who started the run."
    return None


def outcome(request: ApprovalRequest, decisions: Sequence[Decision]) -> ApprovalVerdict | None:
    """Returns the verdict: one refusal refuses, the required number of approvals approves; None while it is open."""
    if any(decision.verdict is ApprovalVerdict.REFUSE for decision in decisions):
        return ApprovalVerdict.REFUSE
    return ApprovalVerdict.APPROVE if len(decisions) >= request.required else None
