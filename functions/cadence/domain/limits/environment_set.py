"""Environments: variables, secrets and approvals of the treatments that name one (`environment: production`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cadence.domain.shared.patterns import matches_any


@dataclass(frozen=True)
class ApprovalRule:
    """The approvals that a treatment requires before it starts, within `timeout` seconds.

    `approvers` are the names of the tokens that may approve (None: every token with the permission); with
    `not_by_starter`, the token that started the run may not.
    """

    required: int = 1
    timeout: int = 86_400
    approvers: tuple[str, ...] | None = None
    not_by_starter: bool = False


@dataclass(frozen=True, kw_only=True)
class EnvironmentSet:
    """Variables and secrets (environment variable to secret's name) added to the treatments that name this environment.

    `branches` are patterns of the branches and tags whose runs may use it; none means all runs.
    """

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    approvals: ApprovalRule | None = None
    branches: tuple[str, ...] = ()

    def open_to(self, branch: str | None) -> bool:
        """Whether a run for that branch or tag may use it; a run for neither may only if every run may."""
        return not self.branches or (branch is not None and matches_any(branch, self.branches))
