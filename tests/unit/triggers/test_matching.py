"""Which pushes and pull requests a trigger means."""

from typing import Any

import pytest

from cadence.application.shared.git_ports import GitCredentials
from cadence.application.triggers.changed_paths import ChangedPaths, PathSource, changed_files
from cadence.domain.shared.errors import NotFound
from cadence.domain.shared.patterns import selected
from cadence.domain.triggers.git_events import CommitComparison, PullRequest, Push, Release
from cadence.domain.triggers.triggers import (
    NEW_COMMITS,
    GitTrigger,
    PipelineTrigger,
    PullRequestType,
    Schedule,
    Triggers,
    from_json,
    to_json,
)

BEFORE, COMMIT, NEW = "a" * 40, "b" * 40, "0" * 40


def push(ref: str = "refs/heads/main", **more: Any) -> Push:
    return Push(
        repository="acme/web",
        repository_url="https://git.example/acme/web.git",
        ref=ref,
        commit=COMMIT,
        **{"before": BEFORE, **more},
    )


def pull_request(base: str = "main", **more: Any) -> PullRequest:
    url = "https://git.example/acme/web.git"
    return PullRequest(
        number=1,
        title="t",
        repository="eve/web",
        repository_url="u",
        ref="refs/heads/x",
        commit=COMMIT,
        base_repository="acme/web",
        base_url=url,
        base_ref=f"refs/heads/{base}",
        base_commit=BEFORE,
        fork=True,
        **more,
    )


@pytest.mark.parametrize(
    ("patterns", "text", "fits"),
    [
        (["main"], "main", True),
        (["main"], "dev", False),
        (["**", "!main"], "main", False),
        (["**", "!main"], "dev", True),
        (["!main"], "dev", True),
        (["!main"], "main", False),
        (["release/**", "!release/old/**", "release/old/kept"], "release/old/kept", True),
        (["release/**", "!release/old/**", "release/old/kept"], "release/old/gone", False),
        (["!docs/**", "docs/api/**"], "docs/api/x", True),
        ([], "main", False),
    ],
)
def test_the_last_pattern_that_fits_decides(patterns, text, fits):
    assert selected(text, patterns) is fits


@pytest.mark.parametrize(
    ("on", "branch", "tag"),
    [
        ({}, True, True),
        ({"branches": ["main"]}, True, False),
        ({"branches": ["dev"]}, False, False),
        ({"tags": ["v*"]}, False, True),
        ({"tags": ["!v1*"]}, False, False),
        ({"branches": ["dev"], "tags": ["v*"]}, False, True),
        ({"paths": ["src/**"]}, True, True),
    ],
)
def test_branches_and_tags_are_asked_for_separately(on, branch, tag):
    triggers = from_json({"push": on})

    assert (push().trigger(triggers) is not None) is branch
    assert (push("refs/tags/v1.0").trigger(triggers) is not None) is tag
    assert push("refs/notes/commits").trigger(triggers) is None
    assert push(deleted=True).trigger(triggers) is None
    assert pull_request().trigger(triggers) is None


def test_a_pull_request_is_known_by_what_it_is_to_be_merged_into():
    triggers = from_json({"pull_request": {"branches": ["main", "release/*"]}})

    assert pull_request("main").trigger(triggers) is not None
    assert pull_request("release/1").trigger(triggers) is not None
    assert pull_request("x").trigger(triggers) is None
    assert pull_request("x").trigger(from_json({"pull_request": None})) is not None
    assert push().trigger(triggers) is None


@pytest.mark.parametrize("event_type", [None, *PullRequestType], ids=str)
def test_a_trigger_without_types_takes_what_brings_commits(event_type: PullRequestType | None) -> None:
    brings = event_type is None or event_type in NEW_COMMITS
    event = pull_request(type=event_type)

    assert event.is_head is brings
    assert (event.trigger(from_json({"pull_request": {}})) is not None) is brings
    assert (event.trigger(from_json({"pull_request": {"types": ["closed"]}})) is not None) is (event_type == "closed")


def test_a_pull_request_that_the_code_host_lists_may_have_been_opened_or_updated() -> None:
    for event_type, starts in (("opened", True), ("updated", True), ("labelled", False)):
        triggers = from_json({"pull_request": {"types": [event_type]}})
        assert (pull_request().trigger(triggers) is not None) is starts


@pytest.mark.parametrize(
    ("event_type", "labels", "changed", "starts"),
    [
        (PullRequestType.LABELLED, ("bug", "e2e"), ("e2e",), True),
        (PullRequestType.LABELLED, ("bug", "e2e"), ("bug",), False),
        (PullRequestType.LABELLED, ("e2e",), (), True),
        (PullRequestType.UNLABELLED, (), ("e2e/slow",), True),
        (PullRequestType.UPDATED, ("bug", "e2e"), (), True),
        (PullRequestType.UPDATED, ("bug",), (), False),
        (PullRequestType.CLOSED, (), (), False),
    ],
    ids=["added", "another-added", "not-told", "removed", "has-it", "lacks-it", "none"],
)
def test_a_label_that_was_added_or_removed_decides_and_else_those_that_it_has(
    event_type: PullRequestType, labels: tuple[str, ...], changed: tuple[str, ...], starts: bool
) -> None:
    triggers = from_json({"pull_request": {"types": list(PullRequestType), "labels": ["e2e", "e2e/*"]}})
    event = pull_request(type=event_type, labels=labels, changed_labels=changed)

    assert (event.trigger(triggers) is not None) is starts


def test_a_release_is_known_by_its_tag() -> None:
    release = Release(repository="acme/web", repository_url="u", tag="v1.0")

    assert release.trigger(from_json({"release": None})) is not None
    assert release.trigger(from_json({"release": {"tags": ["v*"]}})) is not None
    assert release.trigger(from_json({"release": {"tags": ["!v1*", "**"]}})) is not None
    assert release.trigger(from_json({"release": {"tags": ["w*"]}})) is None
    assert release.trigger(from_json({"push": {}, "pull_request": {}})) is None
    assert (release.ref, release.is_head, release.comparison()) == ("refs/tags/v1.0", False, None)


def test_what_is_compared_with_what():
    url = "https://git.example/acme/web.git"
    assert push().comparison() == CommitComparison(url, BEFORE, COMMIT, merge_base=False)
    assert push(before=NEW, default_branch="dev").comparison() == CommitComparison(url, "HEAD", COMMIT, merge_base=True)
    assert push(before=NEW, default_branch="main").comparison() == CommitComparison(url, None, COMMIT, merge_base=False)
    assert push("refs/tags/v1").comparison() is None
    assert pull_request().comparison() == CommitComparison(url, BEFORE, COMMIT, merge_base=True)


class Git:
    """A repository in which these files differ; None cannot be read."""

    def __init__(self, paths: set[str] | None) -> None:
        self.paths, self.asked, self.url = paths, 0, ""

    def changed_files(self, url: str, *_: Any, **__: Any) -> frozenset[str]:
        self.asked, self.url = self.asked + 1, url
        if self.paths is None:
            raise NotFound("There is no repository.")
        return frozenset(self.paths)

    def read_file(self, *_: Any, **__: Any) -> bytes:
        raise AssertionError("no file is wanted")


@pytest.mark.parametrize(
    ("differ", "listed", "patterns", "meant", "source"),
    [
        ({"src/a"}, None, ["src/**"], True, PathSource.DIFF),
        ({"docs/a"}, frozenset({"src/a"}), ["src/**"], False, PathSource.DIFF),
        ({"src/x.md"}, None, ["src/**", "!**/*.md"], False, PathSource.DIFF),
        (set(), None, ["**"], False, PathSource.DIFF),
        (None, frozenset({"src/a"}), ["src/**"], True, PathSource.EVENT),
        (None, frozenset({"docs/a"}), ["src/**"], False, PathSource.EVENT),
        (None, None, ["src/**"], True, PathSource.EVENT),
    ],
)
def test_the_repository_tells_which_files_changed_and_else_the_event(differ, listed, patterns, meant, source):
    git = Git(differ)
    changed = ChangedPaths(git=git, event=push(paths=listed), credentials=None)
    trigger = GitTrigger(paths=tuple(patterns))

    assert changed.meant(trigger) == (meant, source)
    assert changed.meant(trigger) == (meant, source)
    assert git.asked == 1


@pytest.mark.parametrize("event", [push(), pull_request()], ids=["push", "pull-request"])
def test_credentials_are_sent_to_the_connected_repository_only(event):
    git = Git({"src/a"})
    own = "https://git.example/acme/site.git"
    changed = ChangedPaths(git=git, event=event, credentials=GitCredentials("git", "token"), clone_url=own)
    changed.meant(GitTrigger(paths=("src/**",)))

    assert git.url == own


def test_without_paths_and_for_tags_no_repository_is_read():
    git = Git(None)

    assert ChangedPaths(git=git, event=push(), credentials=None).meant(GitTrigger()) == (True, None)
    assert ChangedPaths(git=git, event=push("refs/tags/v1"), credentials=None).meant(GitTrigger(paths=("src/**",))) == (
        True,
        None,
    )
    assert git.asked == 0


@pytest.mark.parametrize(
    ("event", "differ", "wanted", "files", "asked"),
    [
        (push(paths=frozenset({"b", "a"})), None, False, ["a", "b"], 0),
        (push(), {"c"}, False, None, 0),
        (push(), {"d", "c"}, True, ["c", "d"], 1),
        (push(paths=frozenset({"a"})), {"c"}, True, ["c"], 1),
        (push(paths=frozenset({"a"})), None, True, ["a"], 1),
        (push(), None, True, None, 1),
        (push(), set(), True, [], 1),
        (push(), {f"f{number}" for number in range(1_001)}, True, None, 1),
        (push(), {"x" * 32_001}, True, None, 1),
        (push("refs/tags/v1"), {"c"}, True, None, 0),
        (pull_request(), {"c"}, True, ["c"], 1),
        (pull_request(), {"c"}, False, None, 0),
    ],
    ids=["listed", "unread", "read", "read-before-listed", "unreadable", "unknown", "none", "many", "long", "tag",
         "pull-request", "pull-request-unread"],
)  # fmt: skip
def test_the_event_lists_the_changed_files_that_are_known(event, differ, wanted, files, asked):
    git = Git(differ)
    changed = ChangedPaths(git=git, event=event, credentials=None)

    assert changed_files(changed, wanted=wanted) == ({} if files is None else {"changed_files": files})
    assert git.asked == asked


def test_files_that_a_trigger_had_read_are_listed_without_reading_again():
    git = Git({"src/a"})
    changed = ChangedPaths(git=git, event=push(), credentials=None)
    changed.meant(GitTrigger(paths=("src/**",)))

    assert changed_files(changed, wanted=False) == {"changed_files": ["src/a"]}
    assert git.asked == 1


def test_triggers_are_kept_as_they_are():
    triggers = Triggers(
        GitTrigger(("main",), ("src/**",), ("v*",)),
        GitTrigger(types=("closed",), labels=("e2e",)),
        (Schedule("0 3 * * *", "Europe/Paris", {"full": True}),),
        (PipelineTrigger("other", ("failed",), {"v": "${{ event.state }}"}),),
        release=GitTrigger(tags=("v*",)),
    )

    assert from_json(to_json(triggers)) == triggers
    assert from_json(to_json(Triggers())) == Triggers()
