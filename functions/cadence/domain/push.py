"""A push to a git repository, and which pushes a trigger means."""

from collections.abc import Mapping
from dataclasses import dataclass

from cadence.domain.patterns import matches_any
from cadence.domain.versions import PushTrigger

_BRANCH = "refs/heads/"


@dataclass(frozen=True)
class Push:
    """`paths` are those that its commits changed; None if the git host did not list the commits, so that any may have changed."""

    repository: str
    repository_url: str
    ref: str
    commit: str
    before: str = ""
    sender: str = ""
    author: str = ""
    message: str = ""
    deleted: bool = False
    paths: frozenset[str] | None = None

    @property
    def branch(self) -> str | None:
        """None if it is not a branch that was pushed (a tag)."""
        return self.ref.removeprefix(_BRANCH) if self.ref.startswith(_BRANCH) else None

    def starts(self, trigger: PushTrigger) -> bool:
        """Whether this push is meant. A deleted branch and a tag never are; what may have changed any path matches all paths."""
        if self.deleted or self.branch is None:
            return False
        if trigger.branches and not matches_any(self.branch, trigger.branches):
            return False
        return not trigger.paths or self.paths is None or any(matches_any(p, trigger.paths) for p in self.paths)

    def event(self) -> Mapping[str, str]:
        """What the run's treatments see of it: flat, all text."""
        return {
            "kind": "push",
            "repository": self.repository,
            "repository_url": self.repository_url,
            "commit": self.commit,
            "before": self.before,
            "ref": self.ref,
            "branch": self.branch or "",
            "sender": self.sender,
            "author": self.author,
            "message": self.message,
        }
