"""Every call that the adapters of GitHub and GitLab make, held against the host's own description of its API."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.code_hosts.github import GitHubRepository
from cadence.adapters.code_hosts.github_apps import GitHubAppHost
from cadence.adapters.code_hosts.github_checks import GitHubAppRepository
from cadence.adapters.code_hosts.gitlab import GitLabRepository
from cadence.application.repositories.ports import CodeHost
from cadence.domain.repositories.commit_check import Annotation, CommitCheck, SentCheck
from cadence.domain.repositories.commit_report import CommitState, CommitStatus
from tests.doubles import github
from tests.doubles.described import Undescribed
from tests.doubles.host_calls import (
    github_describes,
    gitlab_describes,
    gitlab_documents,
    gitlab_is_described,
    gitlab_operations,
)

from .test_code_hosts import COMMENT, COMMIT, Host, host
from .test_listed_heads import github_pull

__all__ = ["host"]

OF_GITHUB = pytest.mark.skipif(not github.HERE, reason="GitHub's OpenAPI document is not here (.ci/descriptions)")
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def status(state: CommitState) -> CommitStatus:
    return CommitStatus(context="cadence/tests", state=state, description="Words", target_url="https://ci.example/1")


def check(state: CommitState, **more: Any) -> CommitCheck:
    made: dict[str, Any] = {"run_id": "R1", "timed_out": False, "summary": "**Words**", "started_at": AT, **more}
    return CommitCheck(status=status(state), completed_at=AT if state == CommitState.FAILURE else None, **made)


def call_everything(repository: CodeHost, host: Host, answers: dict[str, Any]) -> None:
    """Calls each method of the port once with what it may be called with."""
    for method, arguments in (
        ("describe", ()),
        ("list_webhooks", ()),
        ("put_webhook", (None, "https://ci.example/hook", "s")),
        ("put_webhook", ("5", "https://ci.example/hook", "s")),
        ("remove_webhook", ("5",)),
        ("redeliver_failed", ("5", AT)),
        *(("set_status", (COMMIT, status(state))) for state in CommitState),
        ("find_comment", (7, COMMENT.marker)),
        ("put_comment", (COMMENT, None)),
        ("put_comment", (COMMENT, "6")),
        ("branches", ()),
        ("is_protected", ("release/1",)),
        ("open_pull_requests", ()),
        ("describe_commit", (COMMIT,)),
        ("full_commit", (COMMIT,)),
        ("pull_request", (7,)),
        ("may_write", ("ada", "1")),
    ):
        host.answers = [(200, answer, {}) for answer in answers.get(method, [{"id": 5}])]
        getattr(repository, method)(*arguments)


def failed_delivery(number: int, **more: Any) -> dict[str, Any]:
    """A delivery as GitHub lists it."""
    given = {"id": number, "guid": f"g-{number}", "delivered_at": "2026-11-30T12:00:01Z", "redelivery": False}
    return {**given, "status": "Bad Gateway", "status_code": 502, "event": "push", "action": None, **more}


@OF_GITHUB
def test_github(host: Host) -> None:
    example = github.openapi().example
    repository = GitHubRepository(host.client(), "acme/site")
    answers = {
        "describe": [example("full-repository-default-response")],
        "list_webhooks": [example("hook-items"), []],
        "redeliver_failed": [[failed_delivery(8)], {}],
        "find_comment": [example("issue-comment-items"), []],
        "branches": [example("branch-short-items"), []],
        "is_protected": [example("branch-get")],
        "open_pull_requests": [example("pull-request-simple-items"), []],
        "describe_commit": [example("commit")],
        "pull_request": [github_pull(7, fork=False)],
        "may_write": [example("repository-collaborator-permission-response-if-user-has-admin-permissions")],
    }
    call_everything(repository, host, answers)

    assert set(github_describes(host.calls)) == {
        "repos/get",
        "repos/list-webhooks",
        "repos/create-webhook",
        "repos/update-webhook",
        "repos/delete-webhook",
        "repos/list-webhook-deliveries",
        "repos/redeliver-webhook-delivery",
        "repos/create-commit-status",
        "issues/list-comments",
        "issues/create-comment",
        "issues/update-comment",
        "repos/list-branches",
        "repos/get-branch",
        "pulls/list",
        "repos/get-commit",
        "pulls/get",
        "repos/get-collaborator-permission-level",
    }


@OF_GITHUB
def test_checks_of_github(host: Host) -> None:
    checks = GitHubAppRepository(host.client(), "acme/site").checks()
    host.answering({"check_runs": []}, {"id": 9}, {}, {}, {"id": 10})

    sent = checks.put_check(COMMIT, check(CommitState.PENDING), None)
    assert sent == SentCheck(check_id="9", run_id="R1")
    sent = checks.put_check(COMMIT, check(CommitState.RUNNING), sent)
    noted = (Annotation(path="a.py", line=3, title="New failure", message="t", column=2),)
    sent = checks.put_check(COMMIT, check(CommitState.FAILURE, annotations=noted), sent)
    assert (sent.check_id, len(host.calls[3][2]["output"]["annotations"])) == ("9", 1)
    others = (*noted, Annotation(path="b.py", line=1, title="Flaky test", message="t", failure=False))
    # GitHub would add them to those that the check has.
    assert checks.put_check(COMMIT, check(CommitState.FAILURE, annotations=others), sent).check_id == "10"

    assert github_describes(host.calls) == [
        "checks/list-for-ref", "checks/create", "checks/update", "checks/update", "checks/create",
    ]  # fmt: skip


@OF_GITHUB
def test_a_check_that_is_gone_is_created_again(host: Host) -> None:
    checks = GitHubAppRepository(host.client(), "acme/site").checks()
    host.answers = [(404, {}, {}), (200, {"check_runs": []}, {}), (201, {"id": 11}, {})]

    assert checks.put_check(COMMIT, check(CommitState.CANCELLED), SentCheck(check_id="9", run_id="R1")).check_id == "11"
    github_describes(host.calls)


@OF_GITHUB
def test_apps_of_github(host: Host) -> None:
    example = github.openapi().example
    app = GitHubAppHost(host.client())
    host.answering(example("base-installation"), example("installation-token"), example("webhook-config"), {})

    installation = app.find_installation("acme/site")
    assert installation.permissions["checks"] == "write" and not installation.suspended
    assert app.create_token(7, "acme/site", {"contents": "read"}).token
    assert app.webhook_url().startswith("https://")
    app.set_webhook("https://ci.example/hook", "s")
    assert github_describes(host.calls) == [
        "apps/get-repo-installation",
        "apps/create-installation-access-token",
        "apps/get-webhook-config-for-app",
        "apps/update-webhook-config-for-app",
    ]


@OF_GITHUB
def test_failed_webhooks_are_sent_again_by_github(host: Host) -> None:
    listed = [
        failed_delivery(15, guid="g-11", redelivery=True),
        failed_delivery(14, status_code=200),
        failed_delivery(13),
        failed_delivery(12, guid="g-13"),
        failed_delivery(11),
        failed_delivery(10, delivered_at="2026-11-30T11:59:59Z"),
    ]
    repository, app = GitHubRepository(host.client(), "acme/site"), GitHubAppHost(host.client())
    host.answering(listed, {}, listed[:1], [failed_delivery(16)], {})

    assert repository.redeliver_failed("5", AT) == 1
    assert repository.redeliver_failed("5", AT) == 0
    assert app.redeliver_failed(AT) == 1

    assert github_describes(host.calls) == [
        "repos/list-webhook-deliveries",
        "repos/redeliver-webhook-delivery",
        "repos/list-webhook-deliveries",
        "apps/list-webhook-deliveries",
        "apps/redeliver-webhook-delivery",
    ]
    path = "/repos/acme/site/hooks/5/deliveries"
    assert [address for method, address, _ in host.calls if method == "POST"] == [
        f"{path}/12/attempts", "/app/hook/deliveries/16/attempts",
    ]  # fmt: skip


def test_gitlab(host: Host) -> None:
    repository = GitLabRepository(host.client(), "acme/web/site")
    project = {
        "path_with_namespace": "acme/web/site",
        "web_url": "w",
        "http_url_to_repo": "c",
        "default_branch": "main",
    }
    request = {
        "iid": 7, "title": "t", "sha": COMMIT, "source_project_id": 1, "target_project_id": 1,
        "source_branch": "change", "target_branch": "main",
    }  # fmt: skip
    answers = {
        "describe": [project],
        "list_webhooks": [[{"id": 5, "url": "u"}], []],
        "find_comment": [[{"id": 6, "body": COMMENT.body}]],
        "branches": [[{"name": "main", "commit": {"id": COMMIT}}], []],
        "is_protected": [{"name": "release/1", "protected": True}],
        "open_pull_requests": [[request], [], project],
        "describe_commit": [{"message": "m", "author_name": "Ada"}],
        "pull_request": [request, project],
        "may_write": [{"access_level": 30}],
    }
    call_everything(repository, host, answers)

    documented = {f"{one['method']} {one['path'].removeprefix('/api/v4')}" for one in gitlab_operations()}
    assert gitlab_documents(host.calls) == documented
    if gitlab_is_described():
        gitlab_describes(host.calls)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (("GET", "/projects/a%2Fb/pages", None), "no GET /projects/a%2Fb/pages"),
        (("PATCH", "/projects/a%2Fb", {}), "no PATCH /projects/a%2Fb"),
        (("GET", "/projects/a%2Fb/hooks?perpage=100", None), "'perpage' was unexpected"),
        (("GET", "/projects/a%2Fb/hooks?page=first", None), '"first" is not of type "integer"'),
        (("GET", "/projects/a%2Fb/merge_requests?state=open", None), '"open" is not one of'),
        (("DELETE", "/projects/a%2Fb/hooks/five", None), '"five" is not of type "integer"'),
        (("POST", "/projects/a%2Fb/hooks", {"url": "u", "secret": "s"}), "'secret' was unexpected"),
        (("POST", "/projects/a%2Fb/hooks", {"token": "s"}), '"url" is a required property'),
        (("POST", "/projects/a%2Fb/hooks", {"url": "u", "push_events": "yes"}), '"yes" is not of type "boolean"'),
        (("POST", f"/projects/a%2Fb/statuses/{COMMIT}", {"state": "failure"}), '"failure" is not one of'),
        (("POST", f"/projects/a%2Fb/statuses/{COMMIT}", None), "a body is missing"),
        (("GET", "/projects/a%2Fb", {"license": True}), "it has no body"),
    ],
)
def test_a_call_that_gitlab_does_not_document(call: tuple[str, str, Any], problem: str) -> None:
    with pytest.raises(Undescribed, match=re.escape(problem)):
        gitlab_documents([call])


def test_the_statuses_that_gitlab_documents_are_accepted(host: Host) -> None:
    for status in sorted({status for one in gitlab_operations() for status in one["success"]}):
        host.answers = [(status, {"id": 5}, {})]
        assert host.client().call("GET", "/x") == {"id": 5}
