"""The calls to each kind of code host, as its API documents them, and what its refusals mean."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cadence.adapters.code_hosts.bitbucket import BitbucketRepository
from cadence.adapters.code_hosts.code_hosts import GuardedCodeHosts
from cadence.adapters.code_hosts.github import GitHubRepository
from cadence.adapters.code_hosts.gitlab import GitLabRepository
from cadence.adapters.code_hosts.host_client import HostClient
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.repositories.ports import CodeHost
from cadence.domain.repositories.commit_report import CommitState, CommitStatus, PullRequestComment
from cadence.domain.repositories.repository import read_address
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, Transient
from cadence.domain.triggers.githost import GitHostKind
from tests.doubles.host_calls import gitlab_documents

COMMIT = "c0ffee" + "0" * 34
ANYWHERE = EgressPolicy(frozenset({"*"}))
STATUS = CommitStatus(
    context="cadence/tests", state=CommitState.FAILURE, description="The run failed", target_url="https://ci.example/1"
)
COMMENT = PullRequestComment(number=7, body="<!-- m --> words", marker="<!-- m -->")


class Host:
    """Answers each call with the next of `answers`, and keeps the calls.

    At the end of a test, those of GitLab have to be as its OpenAPI document states.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def answering(self, *bodies: Any) -> None:
        self.answers = [(200, body, {}) for body in bodies]

    def client(self) -> HostClient:
        return HostClient(self.url, {}, ANYWHERE, clock=lambda: 1_000.0)


@pytest.fixture
def host() -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            double.calls.append((self.command, self.path, body))
            double.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, answer, headers = double.answers.pop(0)
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_any

        def log_message(self, *_: Any) -> None:
            """Writes nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double = Host(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield double
    server.shutdown()
    thread.join()
    server.server_close()
    gitlab_documents(call for call in double.calls if call[1].startswith("/projects/"))


def test_github(host: Host) -> None:
    repository: CodeHost = GitHubRepository(host.client(), "acme/site")
    host.answering({}, {"id": 5}, {"id": 6}, {"id": 6})

    repository.set_status(COMMIT, STATUS)
    assert repository.put_webhook(None, "https://ci.example/hook", "s") == "5"
    assert repository.put_comment(COMMENT, None) == "6"
    assert repository.put_comment(COMMENT, "6") == "6"

    status, webhook, created, edited = host.calls
    assert status == (
        "POST",
        f"/repos/acme/site/statuses/{COMMIT}",
        {
            "state": "failure",
            "target_url": "https://ci.example/1",
            "description": "The run failed",
            "context": "cadence/tests",
        },
    )
    assert webhook[:2] == ("POST", "/repos/acme/site/hooks")
    assert webhook[2]["name"] == "web"
    assert webhook[2]["events"] == ["push", "pull_request", "issue_comment", "release"]
    assert created == ("POST", "/repos/acme/site/issues/7/comments", {"body": COMMENT.body})
    assert edited == ("PATCH", "/repos/acme/site/issues/comments/6", {"body": COMMENT.body})


def test_gitlab(host: Host) -> None:
    repository: CodeHost = GitLabRepository(host.client(), "acme/web/site")
    host.answering({}, {"id": 5}, {"id": 6}, {"id": 6})

    repository.set_status(COMMIT, STATUS)
    assert repository.put_webhook(None, "https://ci.example/hook", "s") == "5"
    assert repository.put_comment(COMMENT, None) == "6"
    assert repository.put_comment(COMMENT, "6") == "6"

    status, webhook, created, edited = host.calls
    assert status[:2] == ("POST", f"/projects/acme%2Fweb%2Fsite/statuses/{COMMIT}")
    assert (status[2]["state"], status[2]["name"]) == ("failed", "cadence/tests")
    assert webhook[2]["token"] == "s" and webhook[2]["merge_requests_events"] is True
    assert webhook[2]["releases_events"] is True
    assert created[:2] == ("POST", "/projects/acme%2Fweb%2Fsite/merge_requests/7/notes")
    assert edited[:2] == ("PUT", "/projects/acme%2Fweb%2Fsite/merge_requests/7/notes/6")


def test_gitlab_accepts_a_status_that_is_set_already(host: Host) -> None:
    repository = GitLabRepository(host.client(), "acme/site")
    words = 'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")'
    host.answers = [(400, {"message": words}, {}), (400, {"message": "name is invalid"}, {})]

    repository.set_status(COMMIT, STATUS)
    with pytest.raises(InvalidRequest, match="name is invalid"):
        repository.set_status(COMMIT, STATUS)


def test_bitbucket(host: Host) -> None:
    repository: CodeHost = BitbucketRepository(host.client(), "acme/site")
    host.answering({}, {"uuid": "{5}"}, {"id": 6}, {"values": [{"id": 6, "content": {"raw": COMMENT.body}}]})

    repository.set_status(COMMIT, STATUS)
    assert repository.put_webhook(None, "https://ci.example/hook", "s") == "{5}"
    assert repository.put_comment(COMMENT, None) == "6"
    assert repository.find_comment(7, COMMENT.marker) == "6"

    status, webhook, created, _ = host.calls
    assert status[:2] == ("POST", f"/repositories/acme/site/commit/{COMMIT}/statuses/build")
    assert (status[2]["state"], status[2]["key"]) == ("FAILED", "cadence/tests")
    assert webhook[2]["secret"] == "s" and {"repo:push", "pullrequest:fulfilled"} <= set(webhook[2]["events"])
    assert created == ("POST", "/repositories/acme/site/pullrequests/7/comments", {"content": {"raw": COMMENT.body}})


def test_bitbucket_data_center(host: Host) -> None:
    address = read_address(f"{host.url}/projects/ACME/repos/site", GitHostKind.BITBUCKET)
    repository = GuardedCodeHosts(ANYWHERE).open(address, "the-token")
    host.answers = [
        (204, None, {}),
        (200, {"id": 5}, {}),
        (200, {"id": 5}, {}),
        (201, {"id": 6, "version": 0}, {}),
        (200, {"id": 6, "version": 3}, {}),
        (200, {"id": 6, "version": 4}, {}),
    ]

    repository.set_status(COMMIT, STATUS)
    assert repository.put_webhook(None, "https://ci.example/hook", "s") == "5"
    assert repository.put_webhook("5", "https://ci.example/hook", "s") == "5"
    assert repository.put_comment(COMMENT, None) == "6"
    assert repository.put_comment(COMMENT, "6") == "6"

    status, webhook, changed, created, seen, edited = host.calls
    path = "/rest/api/latest/projects/ACME/repos/site"
    assert status == (
        "POST",
        f"{path}/commits/{COMMIT}/builds",
        {
            "key": "cadence/tests",
            "name": "cadence/tests",
            "state": "FAILED",
            "url": "https://ci.example/1",
            "description": "The run failed",
        },
    )
    assert (webhook[:2], changed[:2]) == (("POST", f"{path}/webhooks"), ("PUT", f"{path}/webhooks/5"))
    assert webhook[2] == changed[2] and webhook[2]["configuration"] == {"secret": "s"}
    assert {"repo:refs_changed", "pr:from_ref_updated", "pr:comment:added"} <= set(webhook[2]["events"])
    comments = f"{path}/pull-requests/7/comments"
    assert created == ("POST", comments, {"text": COMMENT.body})
    assert seen == ("GET", f"{comments}/6", None)
    assert edited == ("PUT", f"{comments}/6", {"text": COMMENT.body, "version": 3})
    assert {headers["authorization"] for headers in host.headers} == {"Bearer the-token"}


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, Forbidden),
        (403, {}, Forbidden),
        (404, {}, NotFound),
        (410, {}, NotFound),
        (422, {}, InvalidRequest),
        (429, {}, Transient),
        (500, {}, Transient),
        (503, {}, Transient),
    ],
)
def test_a_refusal_says_whether_it_may_be_accepted_later(
    host: Host, status: int, headers: dict[str, str], error: type[Exception]
) -> None:
    host.answers = [(status, {"message": "the host's words"}, headers)]

    with pytest.raises(error, match="the host's words"):
        host.client().call("GET", "/x")


def test_a_refusal_of_bitbucket_data_center_is_in_its_words(host: Host) -> None:
    host.answers = [(401, {"errors": [{"context": None, "message": "Authentication failed."}]}, {})]

    with pytest.raises(Forbidden, match=r": Authentication failed\.$"):
        host.client().call("GET", "/x")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, 60.0),
        ({"retry-after": "999999"}, 3_600.0),
    ],
    ids=["after", "reset", "bounded"],
)
def test_a_rate_limit_states_its_wait(host: Host, headers: dict[str, str], wait: float) -> None:
    host.answers = [(403, {"message": "API rate limit exceeded"}, headers)]

    with pytest.raises(Transient) as caught:
        host.client().call("GET", "/x")
    assert caught.value.retry_after == wait


def test_a_host_that_does_not_answer_may_do_so_later() -> None:
    with pytest.raises(Transient):
        HostClient("http://127.0.0.1:9", {}, ANYWHERE).call("GET", "/x")


def test_a_token_goes_only_where_the_installation_lets_it(host: Host) -> None:
    address = read_address(f"{host.url}/acme/site", GitHostKind.GITEA)

    with pytest.raises(InvalidRequest, match="https"):
        GuardedCodeHosts(EgressPolicy()).open(address, "t")
    secure = read_address("https://127.0.0.1:9/acme/site", GitHostKind.GITEA)
    with pytest.raises(InvalidRequest, match="not a public address"):
        GuardedCodeHosts(EgressPolicy()).open(secure, "t").describe()

    host.answering({"full_name": "acme/site", "html_url": "u", "clone_url": "c", "permissions": {"admin": True}})
    found = GuardedCodeHosts(ANYWHERE).open(address, "t").describe()
    assert found.may_administer and host.headers[0]["authorization"] == "token t"
