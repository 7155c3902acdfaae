"""Asks code hosts whether the branch of a run is protected, if an environment that the run uses requires it.

The answer is written with the run, in its event. It holds for the whole run: the claim of each treatment compares it
with what the environment requires then. A run that repeats an earlier one asks again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.application.pipelines.check_document import Environments
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.domain.limits.environment_set import (
    EnvironmentSet,
    pushed_branch,
    with_protection,
    without_protection,
)
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound


@dataclass
class BranchProtection:
    """Whether the branch of one event is protected. The code host is asked at most once, and only if it matters.

    `is_protected` asks it about a branch, and raises as `CodeHost` does.
    """

    is_protected: Callable[[str], bool]
    _answer: tuple[bool, str] | None = field(default=None, init=False)

    def noted(self, event: Mapping[str, Any], environments: Iterable[EnvironmentSet]) -> Mapping[str, Any]:
        """Returns the event of a run that uses the environments, with the answer if one of them requires it.

        An answer that cannot be had counts as no, with the reason. Raises Transient if the code host may answer later.
        """
        branch = pushed_branch(event)
        if branch is None or not any(environment.protected_branches for environment in environments):
            return event
        if self._answer is None:
            self._answer = self._ask(branch)
        return with_protection(event, *self._answer)

    def _ask(self, branch: str) -> tuple[bool, str]:
        try:
            return self.is_protected(branch), ""
        except (Forbidden, NotFound, InvalidRequest) as error:
            return False, error.message


def protection_of(open_repository: OpenRepository, repository: Repository) -> BranchProtection:
    """Returns what asks the code host of a connected repository."""
    return BranchProtection(lambda branch: open_repository.open(repository).is_protected(branch))


@dataclass(frozen=True, kw_only=True)
class RenewProtection:
    """Asks again for runs that repeat an earlier one, since the protection of a branch may have been removed."""

    repositories: RepositoryStore
    environments: Environments
    open_repository: OpenRepository

    def event(self, run: Run) -> Mapping[str, Any]:
        """Returns the event for another run of the same. Raises Transient if the code host may answer later."""
        event = without_protection(run.event)
        if pushed_branch(event) is None or "repository_id" not in event:
            return event
        environments = self.environments.list_environments(run.organization, run.project)
        if not any(environment.protected_branches for environment in environments):
            return event
        try:
            repository = self.repositories.get_repository(event["repository_id"])
        except NotFound as error:
            return with_protection(event, False, error.message)
        return protection_of(self.open_repository, repository).noted(event, environments)
