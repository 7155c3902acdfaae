"""Branches, open pull requests and commits, as the API of each kind of code host documents them."""

from typing import Any

import pytest

from cadence.adapters.code_hosts.bitbucket import BitbucketRepository
from cadence.adapters.code_hosts.bitbucket_data_center import BitbucketDataCenterRepository
from cadence.adapters.code_hosts.gitea import GiteaRepository
from cadence.adapters.code_hosts.github import GitHubRepository
from cadence.adapters.code_hosts.gitlab import GitLabRepository
from cadence.application.repositories.ports import HostedCommit
from cadence.domain.repositories.heads import decode_event, encode_event, head_delivery, head_name
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.git_events import PullRequest, Push

from .test_code_hosts import COMMIT, Host, host

__all__ = ["host"]

BASE = "beef" + "0" * 36


def github_pull(number: int, *, fork: bool) -> dict[str, Any]:
    one, other = (
        {"id": at, "full_name": name, "clone_url": f"https://example.org/{name}.git"}
        for at, name in ((1, "acme/site"), (2, "eve/site"))
    )
    return {
        "number": number,
        "title": "A change",
        "user": {"login": "eve"},
        "head": {"ref": "change", "sha": COMMIT, "repo": other if fork else one},
        "base": {"ref": "main", "sha": BASE, "repo": one},
    }


def test_github(host: Host) -> None:
    repository = GitHubRepository(host.client(), "acme/site")
    host.answering(
        [{"name": "main", "commit": {"sha": COMMIT}}], [], [github_pull(7, fork=True), github_pull(8, fork=False)], [],
        {"commit": {"message": "words\n\nmore", "author": {"name": "Ada"}}},
    )  # fmt: skip

    assert repository.branches() == {"main": COMMIT}
    forked, own = repository.open_pull_requests()
    assert (forked.number, forked.fork, forked.commit, forked.base_commit) == (7, True, COMMIT, BASE)
    assert (own.number, own.fork, own.base_branch, own.author) == (8, False, "main", "eve")
    assert repository.describe_commit(COMMIT) == HostedCommit(message="words\n\nmore", author="Ada")
    assert [path.split("?")[0] for _, path, _ in host.calls] == [
        "/repos/acme/site/branches",
        "/repos/acme/site/branches",
        "/repos/acme/site/pulls",
        "/repos/acme/site/pulls",
        f"/repos/acme/site/commits/{COMMIT}",
    ]
    assert "state=open" in host.calls[2][1]


def test_gitea(host: Host) -> None:
    repository = GiteaRepository(host.client(), "acme/site")
    host.answering({"commit": {"message": "words", "author": None}})

    assert repository.describe_commit(COMMIT) == HostedCommit(message="words", author="")
    assert host.calls[0][1] == f"/repos/acme/site/git/commits/{COMMIT}"


def test_gitlab(host: Host) -> None:
    repository = GitLabRepository(host.client(), "acme/site")
    request = {
        "iid": 7, "title": "A change", "sha": COMMIT, "source_branch": "change", "target_branch": "main",
        "source_project_id": 2, "target_project_id": 1, "author": {"name": "Eve"},
    }  # fmt: skip
    target = {"path_with_namespace": "acme/site", "http_url_to_repo": "https://example.org/acme/site.git"}
    gone = {**request, "iid": 8, "source_project_id": None}
    empty = {**request, "iid": 9, "sha": None}
    host.answers = [
        (200, [request, gone, empty], {}),
        (200, [], {}),
        *((200, target, {}) if project == 1 else (404, {}, {}) for project in sorted({1, 2})),
        (200, {"message": "words", "author_name": "Ada"}, {}),
    ]

    forked, without_source = repository.open_pull_requests()
    assert (forked.number, forked.fork, forked.commit, forked.base_repository) == (7, True, COMMIT, "acme/site")
    assert forked.repository_url == without_source.repository_url == target["http_url_to_repo"]
    assert without_source.fork
    assert repository.describe_commit(COMMIT).author == "Ada"


def test_bitbucket(host: Host) -> None:
    repository = BitbucketRepository(host.client(), "acme/site")
    page = {"html": {"href": "https://bitbucket.org/acme/site"}}
    own = {"full_name": "acme/site", "uuid": "{1}", "links": page}
    request = {
        "id": 7, "title": "A change", "author": {"nickname": "eve"},
        "source": {"repository": own, "branch": {"name": "change"}, "commit": {"hash": "c0ffee000000"}},
        "destination": {"repository": own, "branch": {"name": "main"}, "commit": {"hash": "beef00000000"}},
    }  # fmt: skip
    host.answering(
        {"values": [{"name": "main", "target": {"hash": COMMIT}}]},
        {"values": [request]},
        {"message": "words", "author": {"raw": "Ada <ada@example.org>"}},
        {"hash": COMMIT},
    )

    assert repository.branches() == {"main": COMMIT}
    (found,) = repository.open_pull_requests()
    assert (found.number, found.fork, found.commit) == (7, False, "c0ffee000000")
    assert repository.describe_commit(COMMIT).author == "Ada <ada@example.org>"
    assert "state=OPEN" in host.calls[1][1]
    assert repository.full_commit(COMMIT[:12]) == repository.full_commit(COMMIT) == COMMIT
    assert [path for _, path, _ in host.calls[3:]] == [f"/repositories/acme/site/commit/{COMMIT[:12]}"]


def data_center_pull(number: int, *, fork: bool) -> dict[str, Any]:
    one, other = (
        {
            "id": at,
            "slug": "site",
            "project": {"key": key},
            "links": {"clone": [{"name": "http", "href": f"https://git.example/scm/{key.lower()}/site.git"}]},
        }
        for at, key in ((1, "ACME"), (2, "~eve"))
    )
    return {
        "id": number,
        "title": "A change",
        "author": {"user": {"name": "eve"}},
        "fromRef": {"id": "refs/heads/change", "latestCommit": COMMIT, "repository": other if fork else one},
        "toRef": {"id": "refs/heads/main", "latestCommit": BASE, "repository": one},
    }


def test_bitbucket_data_center(host: Host) -> None:
    repository = BitbucketDataCenterRepository(host.client(), "ACME/site")
    pulls = [data_center_pull(7, fork=True), data_center_pull(8, fork=False)]
    host.answering(
        {"values": [{"displayId": "main", "latestCommit": COMMIT}], "isLastPage": False, "nextPageStart": 100},
        {"values": [{"displayId": "next", "latestCommit": BASE}], "isLastPage": True},
        {"values": pulls, "isLastPage": True},
        pulls[0],
        {"message": "words", "author": {"name": "ada", "displayName": "Ada"}},
        {"values": [{"action": "OPENED"}, {"action": "COMMENTED", "comment": {"id": 9, "text": "<!-- m --> words"}}]},
    )

    assert repository.branches() == {"main": COMMIT, "next": BASE}
    forked, own = repository.open_pull_requests()
    assert (forked.number, forked.fork, forked.commit, forked.base_commit) == (7, True, COMMIT, BASE)
    assert (forked.repository, forked.base_repository, forked.author) == ("~eve/site", "ACME/site", "eve")
    assert (own.fork, own.base_branch, own.repository_url) == (False, "main", "https://git.example/scm/acme/site.git")
    assert repository.pull_request(7) == forked
    assert repository.describe_commit(COMMIT) == HostedCommit(message="words", author="Ada")
    assert repository.find_comment(7, "<!-- m -->") == "9"
    assert repository.full_commit(COMMIT) == COMMIT
    path = "/api/latest/projects/ACME/repos/site"
    assert [address for _, address, _ in host.calls] == [
        f"{path}/branches?start=0&limit=100",
        f"{path}/branches?start=100&limit=100",
        f"{path}/pull-requests?start=0&limit=100&state=OPEN",
        f"{path}/pull-requests/7",
        f"{path}/commits/{COMMIT}",
        f"{path}/pull-requests/7/activities?start=0&limit=100",
    ]


def test_who_may_write_on_bitbucket_data_center(host: Host) -> None:
    repository = BitbucketDataCenterRepository(host.client(), "ACME/site")
    ada, adam = ({"name": name, "slug": name, "active": True} for name in ("ada", "adam"))
    host.answering({"values": [ada, adam]}, {"values": [adam]}, {"values": [{**ada, "active": False}]}, {"values": []})

    assert [repository.may_write("ada", "ada") for _ in range(4)] == [True, False, False, False]
    right = "permission.1=REPO_WRITE&permission.1.projectKey=ACME&permission.1.repositorySlug=site"
    assert {path for _, path, _ in host.calls} == {f"/api/latest/users?start=0&limit=100&filter=ada&{right}"}


@pytest.mark.parametrize(
    ("branch", "kind", "matcher", "name", "protected"),
    [
        ("main", "read-only", "BRANCH", "refs/heads/main", True),
        ("main", "pull-request-only", "BRANCH", "refs/heads/main", True),
        ("main", "no-deletes", "BRANCH", "refs/heads/main", False),
        ("next", "read-only", "BRANCH", "refs/heads/main", False),
        ("release/1", "read-only", "PATTERN", "release/*", True),
        ("release/1", "read-only", "PATTERN", "refs/heads/release/**", True),
        ("release/1/x", "read-only", "PATTERN", "release/*", False),
        ("next", "read-only", "ANY_REF", "ANY_REF_MATCHER_ID", True),
        ("main", "read-only", "MODEL_BRANCH", "production", False),
    ],
)
def test_a_branch_of_bitbucket_data_center_is_protected_if_a_rule_restricts_pushes(
    host: Host, branch: str, kind: str, matcher: str, name: str, protected: bool
) -> None:
    repository = BitbucketDataCenterRepository(host.client(), "ACME/site")
    rule = {"type": kind, "matcher": {"id": name, "type": {"id": matcher}}}
    host.answering({"values": [{"displayId": branch}]}, {"values": [rule]}, {"values": [{"displayId": f"{branch}1"}]})

    assert repository.is_protected(branch) is protected
    with pytest.raises(NotFound, match="no branch"):
        repository.is_protected(branch)
    assert host.calls[1][1] == ("/branch-permissions/latest/projects/ACME/repos/site/restrictions?start=0&limit=100")


def test_an_event_of_a_head_is_read_as_it_was_written() -> None:
    push = Push(repository="a/b", repository_url="u", ref="refs/heads/main", commit=COMMIT, paths=frozenset({"b", "a"}))
    pull = PullRequest(
        number=7, title="t", repository="e/b", repository_url="u", ref="refs/heads/c", commit=COMMIT,
        base_repository="a/b", base_url="u", base_ref="refs/heads/main", base_commit="", fork=True,
    )  # fmt: skip

    assert [decode_event(encode_event(event)) for event in (push, pull)] == [push, pull]
    assert (head_name(push), head_name(pull)) == (f"refs/heads/main@{COMMIT}", f"pull/7@{COMMIT}")
    assert head_delivery(head_name(push)) != head_delivery(head_name(pull))


def test_who_may_write(host: Host) -> None:
    client = host.client()
    github, gitlab = GitHubRepository(client, "acme/site"), GitLabRepository(client, "acme/site")
    bitbucket = BitbucketRepository(client, "acme/site")
    host.answers = [
        *((200, {"permission": permission}, {}) for permission in ("admin", "write", "read", "none")),
        (404, {}, {}),
        *((200, {"access_level": level, "state": state}, {}) for level, state in ((40, "active"), (40, "blocked"))),
        (200, {"access_level": 20}, {}),
        (404, {}, {}),
        *((200, {"permission": permission}, {}) for permission in ("write", "read")),
        (404, {}, {}),
    ]

    assert [github.may_write("a/b", "3") for _ in range(5)] == [True, True, False, False, False]
    assert [gitlab.may_write("ada", "3") for _ in range(4)] == [True, False, False, False]
    assert [bitbucket.may_write("ada", "{3}") for _ in range(3)] == [True, False, False]
    assert {path for _, path, _ in host.calls} == {
        "/repos/acme/site/collaborators/a%2Fb/permission",
        "/projects/acme%2Fsite/members/all/3",
        "/repositories/acme/site/permissions-config/users/%7B3%7D",
    }


def test_which_branches_are_protected(host: Host) -> None:
    """GitHub, GitLab and Gitea tell it of a branch, with their patterns and rulesets resolved."""
    client = host.client()
    host.answering(*({"name": "release/1", "protected": protected} for protected in (True, False, True)))

    assert GitHubRepository(client, "acme/site").is_protected("release/1") is True
    assert GitLabRepository(client, "acme/site").is_protected("release/1") is False
    assert GiteaRepository(client, "acme/site").is_protected("release/1") is True
    assert [path for _, path, _ in host.calls] == [
        "/repos/acme/site/branches/release%2F1",
        "/projects/acme%2Fsite/repository/branches/release%2F1",
        "/repos/acme/site/branches/release/1",
    ]
    host.answers = [(404, {"message": "Branch not found"}, {})]
    with pytest.raises(NotFound, match="Branch not found"):
        GitHubRepository(client, "acme/site").is_protected("gone")


@pytest.mark.parametrize(
    ("branch", "rules", "protected"),
    [
        ("main", [], False),
        ("main", [{"branch_match_kind": "glob", "pattern": "main"}], True),
        ("release/1", [{"branch_match_kind": "glob", "pattern": "release/*"}], True),
        ("release/1/x", [{"branch_match_kind": "glob", "pattern": "release/*"}], False),
        ("other", [{"branch_match_kind": "glob", "pattern": "main"}], False),
        ("main", [{"branch_match_kind": "branching_model", "branch_type": "production", "pattern": ""}], True),
        ("next", [{"branch_match_kind": "branching_model", "branch_type": "production", "pattern": ""}], False),
        ("next", [{"branch_match_kind": "branching_model", "branch_type": "development", "pattern": ""}], True),
        ("hotfix/7", [{"branch_match_kind": "branching_model", "branch_type": "hotfix", "pattern": ""}], True),
        ("feature/7", [{"branch_match_kind": "branching_model", "branch_type": "hotfix", "pattern": ""}], False),
    ],
    ids=[
        "no rule", "by name", "by pattern", "deeper", "another", "production", "not production", "development",
        "type", "another type",
    ],
)  # fmt: skip
def test_a_branch_of_bitbucket_is_protected_if_a_rule_restricts_pushes(
    host: Host, branch: str, rules: list[dict[str, Any]], protected: bool
) -> None:
    model = {
        "production": {"branch": {"name": "main"}},
        "development": {"branch": {"name": "next"}},
        "branch_types": [{"kind": "hotfix", "prefix": "hotfix/"}, {"kind": "feature", "prefix": "feature/"}],
    }
    host.answering({"name": branch}, {"values": rules}, model)

    assert BitbucketRepository(host.client(), "acme/site").is_protected(branch) is protected
    assert [path.split("?")[0] for _, path, _ in host.calls[:2]] == [
        f"/repositories/acme/site/refs/branches/{branch}",
        "/repositories/acme/site/branch-restrictions",
    ]
    assert "kind=push" in host.calls[1][1]
