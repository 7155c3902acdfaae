"""Tells which branch the results of a run's tests belong to."""

from dataclasses import dataclass

from cadence.application.test_reports.ports import BranchScope
from cadence.domain.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class BranchOfRun:
    """The branch that a run's results belong to (None: to none), and the one that they are compared with."""

    own: BranchScope | None
    base: BranchScope | None


def branch_of(run: Run) -> BranchOfRun:
    """Returns the branches of a run's results.

    A pull request is compared with the branch that it is to be merged into, and is the state of no branch. Any other
    run is compared with the one before it on its branch. Tags and replays are neither.
    """
    event = run.event
    repository = repository_of(run)
    if run.replay_of is not None or event.get("tag"):
        return BranchOfRun(own=None, base=None)
    if event.get("kind") == "pull_request":
        base = event.get("base_branch")
        return BranchOfRun(own=None, base=BranchScope(repository=repository, branch=str(base)) if base else None)
    own = BranchScope(repository=repository, branch=run.branch or "")
    return BranchOfRun(own=own, base=own)


def repository_of(run: Run) -> str:
    """Returns the id of the connected repository, or the name of the one of a git host; empty without a git event."""
    return str(run.event.get("repository_id") or run.event.get("repository") or "")
