"""Environments: variables, secrets and approvals of the treatments that name one (`environment: production`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.shared.display import shown
from cadence.domain.shared.patterns import matches_any

PROTECTED_KEY = "branch_protected"
"""The key of a run's event for the code host's answer whether the branch is protected; absent if it was not asked."""
PROBLEM_KEY = "branch_protection_problem"
"""The key of a run's event for the reason why the code host's answer could not be had."""


@dataclass(frozen=True)
class ApprovalRule:
    """The approvals that a treatment requires before it starts, within `timeout` seconds.

    `approvers` may approve (None: everyone with the permission): members, teams and service accounts as subjects
    (`member:ID`, `team:NAME`), tokens without a holder by their names. Of a team, those may who belong to it at the
    moment of the approval. With `not_by_starter`, who started the run may not.
    """

    required: int = 1
    timeout: int = 86_400
    approvers: tuple[str, ...] | None = None
    not_by_starter: bool = False


@dataclass(frozen=True, kw_only=True)
class EnvironmentSet:
    """Variables and secrets (environment variable to secret's name) added to the treatments that name this environment.

    `branches` are patterns of the branches and tags whose runs may use it; none means all runs. With
    `protected_branches`, only pushes to branches that the code host protects may.
    """

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    approvals: ApprovalRule | None = None
    branches: tuple[str, ...] = ()
    protected_branches: bool = False

    def closed_to(self, event: Mapping[str, Any]) -> str | None:
        """Returns the reason, in a sentence, why a run with this event may not use it; None if it may."""
        branch = branch_of(event)
        if self.branches and not (branch is not None and matches_any(branch, self.branches)):
            run_branch = f"this run is of {shown(branch)}" if branch else "this run is of no branch"
            branches = ", ".join(self.branches)
            return f"The environment {shown(self.name)} is only for runs of {branches}; {run_branch}."
        if self.protected_branches and event.get(PROTECTED_KEY) is not True:
            return f"The environment {shown(self.name)} is only for runs of protected branches; {_unprotected(event)}."
        return None


def branch_of(event: Mapping[str, Any]) -> str | None:
    """Returns the branch or tag that decides what a run may do.

    None for a pull request, since its author chooses the branch.
    """
    if event.get("kind") == "pull_request":
        return None
    return event.get("branch") or event.get("tag") or None


def pushed_branch(event: Mapping[str, Any]) -> str | None:
    """Returns the branch that was pushed to; None for a tag and for everything but a push."""
    return (event.get("branch") or None) if event.get("kind") == "push" else None


def with_protection(event: Mapping[str, Any], protected: bool, problem: str = "") -> Mapping[str, Any]:
    """Returns a run's event with the code host's answer, or with the reason why there is none."""
    return {**without_protection(event), PROTECTED_KEY: protected, **({PROBLEM_KEY: problem} if problem else {})}


def without_protection(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a run's event without the answer of the code host."""
    return {name: value for name, value in event.items() if name not in (PROTECTED_KEY, PROBLEM_KEY)}


def _unprotected(event: Mapping[str, Any]) -> str:
    branch = pushed_branch(event)
    if branch is None:
        return f"this run is of the tag {shown(event['tag'])}" if event.get("tag") else "this run is of no branch"
    if problem := event.get(PROBLEM_KEY):
        return f"whether {shown(branch)} is protected cannot be read: {problem.rstrip('.')}"
    if PROTECTED_KEY in event:
        return f"the code host does not protect {shown(branch)}"
    if "repository_id" in event:
        return f"whether {shown(branch)} is protected was not asked when this run was planned: run it again"
    return "this run is of no connected repository, whose code host could be asked"
