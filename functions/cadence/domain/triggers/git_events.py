"""Events of a git repository (pushes and pull requests) and the triggers that match them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.shared.patterns import selected
from cadence.domain.triggers.triggers import GitTrigger, Triggers

_BRANCH = "refs/heads/"
_TAG = "refs/tags/"
DEFAULT_BRANCH = "HEAD"


@dataclass(frozen=True)
class CommitComparison:
    """The two commits whose files are compared.

    `base` may be a ref or `HEAD` (the default branch); None compares with an empty tree.
    With `merge_base`, the comparison starts from the common ancestor of `base` and `head`.
    """

    url: str
    base: str | None
    head: str
    merge_base: bool


@dataclass(frozen=True, kw_only=True)
class Push:
    """A push to a branch or tag.

    `paths` are those that its commits changed; None if the git host did not list all of them, so that any may have
    changed. `commit` is the new commit of the branch or tag, `before` the previous one (zeros if the ref is new).
    """

    repository: str
    repository_url: str
    ref: str
    commit: str
    before: str = ""
    sender: str = ""
    author: str = ""
    message: str = ""
    deleted: bool = False
    default_branch: str = ""
    paths: frozenset[str] | None = None

    @property
    def branch(self) -> str | None:
        """The branch that was pushed to; None for a tag."""
        return self.ref.removeprefix(_BRANCH) if self.ref.startswith(_BRANCH) else None

    @property
    def tag(self) -> str | None:
        """The tag that was pushed; None for a branch."""
        return self.ref.removeprefix(_TAG) if self.ref.startswith(_TAG) else None

    def trigger(self, triggers: Triggers) -> GitTrigger | None:
        """Returns the trigger of a pipeline that matches this push, if any. A deleted ref starts nothing."""
        push = triggers.push
        if push is None or self.deleted:
            return None
        if self.branch is not None:
            return push if push.takes_branch(self.branch) else None
        return push if self.tag is not None and push.takes_tag(self.tag) else None

    def comparison(self) -> CommitComparison | None:
        """Returns the commits whose changes the paths of a trigger are matched with.

        None for a tag: it names a commit and changes no file.
        """
        if self.branch is None:
            return None
        if self.before.strip("0"):
            return CommitComparison(self.repository_url, self.before, self.commit, merge_base=False)
        first = self.branch == self.default_branch
        return CommitComparison(
            self.repository_url, None if first else DEFAULT_BRANCH, self.commit, merge_base=not first
        )

    def event(self) -> Mapping[str, Any]:
        """Returns the event of the run as a flat mapping, each of whose entries becomes an environment variable."""
        return {
            "kind": "push",
            "repository": self.repository,
            "repository_url": self.repository_url,
            "commit": self.commit,
            "before": self.before,
            "ref": self.ref,
            "branch": self.branch or "",
            **({"tag": self.tag} if self.tag else {}),
            "sender": self.sender,
            "author": self.author,
            "message": self.message,
        }


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request (GitLab: merge request) that was opened, reopened, or got new commits.

    `repository_url` is the repository that has its commits: a fork if `fork`. `base_commit` is empty if the git host
    does not send it.
    """

    number: int
    title: str
    repository: str
    repository_url: str
    ref: str
    commit: str
    base_repository: str
    base_url: str
    base_ref: str
    base_commit: str
    fork: bool
    author: str = ""
    sender: str = ""
    paths: frozenset[str] | None = None

    @property
    def base_branch(self) -> str:
        """The branch that it is to be merged into."""
        return self.base_ref.removeprefix(_BRANCH)

    def trigger(self, triggers: Triggers) -> GitTrigger | None:
        """Returns the trigger of a pipeline that matches this pull request, if any."""
        pull_request = triggers.pull_request
        if pull_request is None or not (not pull_request.branches or selected(self.base_branch, pull_request.branches)):
            return None
        return pull_request

    def comparison(self) -> CommitComparison | None:
        """Returns the commits whose changes the paths of a trigger are matched with.

        Git hosts let a pull request's commits be read from the target repository, even those of a fork.
        """
        return CommitComparison(self.base_url, self.base_commit or self.base_ref, self.commit, merge_base=True)

    def event(self) -> Mapping[str, Any]:
        """Returns the event of the run as a flat mapping, each of whose entries becomes an environment variable."""
        return {
            "kind": "pull_request",
            "number": self.number,
            "title": self.title,
            "repository": self.repository,
            "repository_url": self.repository_url,
            "ref": self.ref,
            "branch": self.ref.removeprefix(_BRANCH),
            "commit": self.commit,
            "base_repository": self.base_repository,
            "base_repository_url": self.base_url,
            "base_ref": self.base_ref,
            "base_branch": self.base_branch,
            "base_commit": self.base_commit,
            "fork": self.fork,
            "author": self.author,
            "sender": self.sender,
        }


GitEvent = Push | PullRequest


def from_fork(event: Mapping[str, Any]) -> bool:
    """Whether a run's event is a pull request from a fork, or stems from the run of one.

    The commits of a fork may come from anyone.
    """
    if event.get("kind") == "pull_request":
        return event.get("fork") is not False
    return event.get("fork") is True
