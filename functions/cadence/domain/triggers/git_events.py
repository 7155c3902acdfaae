"""Events of a git repository (pushes, pull requests, releases) and the triggers that match them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.shared.patterns import selected
from cadence.domain.triggers.triggers import NEW_COMMITS, GitTrigger, PullRequestType, Triggers

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
    def words(self) -> str:
        """The event in words, for lists of deliveries."""
        return "push"

    @property
    def is_head(self) -> bool:
        """Whether it brings a commit to a branch, tag or pull request, for which runs are started once."""
        return True

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
    """An event of a pull request (GitLab: merge request).

    `repository_url` is the repository that has its commits: a fork if `fork`. `base_commit` is empty if the git host
    does not send it. `type` is None if the code host was asked for it, so that it was opened or has new commits.
    `labels` are those that it has; `changed_labels` those that were added or removed, empty if the git host does not
    tell them. `contributor`: the git host says that its author has contributed to the repository; false if it says
    nothing about it. `merge_commit` is what it became on the branch that it was `merged` into; empty if not known.
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
    type: PullRequestType | None = None
    labels: tuple[str, ...] = ()
    changed_labels: tuple[str, ...] = ()
    merged: bool = False
    merge_commit: str = ""
    contributor: bool = False

    @property
    def words(self) -> str:
        """The event in words, for lists of deliveries."""
        return f"pull request {self.number}" if self.is_head else f"pull request {self.number} {self.type}"

    @property
    def is_head(self) -> bool:
        """Whether it brings a commit to a branch, tag or pull request, for which runs are started once."""
        return self.type is None or self.type in NEW_COMMITS

    @property
    def base_branch(self) -> str:
        """The branch that it is to be merged into."""
        return self.base_ref.removeprefix(_BRANCH)

    def trigger(self, triggers: Triggers) -> GitTrigger | None:
        """Returns the trigger of a pipeline that matches this event, if any."""
        trigger = triggers.pull_request
        if trigger is None or (trigger.branches and not selected(self.base_branch, trigger.branches)):
            return None
        labels = self.labels if self.is_head else self.changed_labels or self.labels
        return trigger if trigger.takes_type(self.type) and trigger.takes_labels(labels) else None

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
            "type": str(self.type or PullRequestType.UPDATED),
            "label": ", ".join(self.changed_labels),
            "labels": list(self.labels),
            "merged": self.merged,
            "merge_commit": self.merge_commit,
        }


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release that was published. `commit` is that of its tag; empty if the git host does not send it."""

    repository: str
    repository_url: str
    tag: str
    commit: str = ""
    name: str = ""
    page: str = ""
    sender: str = ""
    prerelease: bool = False
    paths: frozenset[str] | None = None

    @property
    def words(self) -> str:
        """The event in words, for lists of deliveries."""
        return f"release {self.tag}"

    @property
    def is_head(self) -> bool:
        """Whether it brings a commit to a branch, tag or pull request, for which runs are started once."""
        return False

    @property
    def ref(self) -> str:
        """The full name of its tag."""
        return _TAG + self.tag

    def trigger(self, triggers: Triggers) -> GitTrigger | None:
        """Returns the trigger of a pipeline that matches this release, if any."""
        trigger = triggers.release
        return trigger if trigger is not None and trigger.takes_tag(self.tag) else None

    def comparison(self) -> CommitComparison | None:
        """Returns None: a release changes no file."""
        return None

    def event(self) -> Mapping[str, Any]:
        """Returns the event of the run as a flat mapping, each of whose entries becomes an environment variable."""
        return {
            "kind": "release",
            "type": "published",
            "repository": self.repository,
            "repository_url": self.repository_url,
            "commit": self.commit,
            "ref": self.ref,
            "branch": "",
            "tag": self.tag,
            "name": self.name,
            "page": self.page,
            "prerelease": self.prerelease,
            "sender": self.sender,
        }


GitEvent = Push | PullRequest | Release


def from_fork(event: Mapping[str, Any]) -> bool:
    """Whether a run's event is a pull request from a fork, or stems from the run of one.

    The commits of a fork may come from anyone.
    """
    if event.get("kind") == "pull_request":
        return event.get("fork") is not False
    return event.get("fork") is True
