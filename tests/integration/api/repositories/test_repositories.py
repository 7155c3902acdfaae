"""Connected repositories: from `POST /v1/repositories` over a signed webhook to statuses on the code host."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cadence.adapters.aws import commit_report_requests
from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.application.repositories.ports import LeaseHolder
from cadence.domain.runs.states import RunState
from tests.doubles.code_host import TOKEN, CodeHostDouble, code_host
from tests.git.repositories import Repository, served
from tests.integration.api.calling import Answer, Api, event
from tests.integration.api.conftest import NoLambdas
from tests.unit.triggers.test_githosts import signature

TESTS = """\
cadence: 1
name: tests
on:
  push: {branches: [main]}
  pull_request: {}
treatments:
  test: {run: make test}
"""
FUNCTIONS = ("webhooks.handler", "deliveries.handler", "commit_reports.handler")


class DelayedReports:
    """The queue `deliveries` for reports that are due later."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send_message(self, **arguments: Any) -> None:
        assert 0 < arguments["DelaySeconds"] <= 900
        self.messages.append(json.loads(arguments["MessageBody"])["report"])


class World:
    """A code host with the repository acme/site, and the Lambdas that its webhooks pass through."""

    def __init__(self, api: Api, host: CodeHostDouble, source: Repository, address: str, lambdas: NoLambdas) -> None:
        self.delayed = DelayedReports()
        self.api, self.host, self.source, self.lambdas = api, host, source, lambdas
        self.url = host.add("acme/site", f"{address}/site")
        self.modules: dict[str, ModuleType] = {name: importlib.import_module(name) for name in FUNCTIONS}

    def connect(self, expected: int = 201, **more: Any) -> Answer:
        body = {"project": "default", "url": self.url, "kind": "gitea", "token": TOKEN, **more}
        answer = self.api("POST", "/v1/repositories", body)
        assert answer.status == expected, answer.text
        assert TOKEN not in answer.text
        return answer

    def secret(self) -> str:
        """The webhook's secret as the code host has it."""
        (hook,) = self.host.hooks.values()
        return str(hook["config"]["secret"])

    def push(self, commit: str, delivery: str = "d-1", name: str = "acme/site", **more: Any) -> dict[str, Any]:
        payload = {
            "ref": "refs/heads/main",
            "before": "0" * 40,
            "after": commit,
            "repository": {"full_name": name, "clone_url": self.host.clone_urls["acme/site"], "default_branch": "main"},
            "sender": {"login": "ada"},
            "head_commit": {"message": more.pop("message", "A change"), "author": {"name": "Ada"}},
            **more,
        }
        return self.send("push", payload, delivery)

    def pull_request(
        self, base: str, head: str, *, fork: bool, delivery: str = "d-p", action: str = "opened", **more: Any
    ) -> dict[str, Any]:
        """Sends the event `action` of a pull request, which has `more` besides."""
        pull = {**self.pull(base, head, fork=fork), **more.pop("pull", {})}
        payload = {"action": action, "number": 7, "pull_request": pull, "sender": {"login": "eve"}, **more}
        return self.send("pull_request", payload, delivery)

    def pull(self, base: str, head: str, *, fork: bool) -> dict[str, Any]:
        """A pull request as the code host describes it."""
        clone_url = self.host.clone_urls["acme/site"]
        one, other = (
            {"id": number, "full_name": name, "clone_url": clone_url}
            for number, name in ((1, "acme/site"), (2, "eve/site"))
        )
        return {
            "number": 7,
            "title": "A change",
            "user": {"login": "eve"},
            "head": {"ref": "change", "sha": head, "repo": other if fork else one},
            "base": {"ref": "main", "sha": base, "repo": one},
        }

    def send(self, name: str, payload: Any, delivery: str) -> dict[str, Any]:
        """Sends a webhook, and processes its delivery. Returns the delivery's record."""
        body = json.dumps(payload)
        (hook,) = self.host.hooks.values()
        path = "/webhooks" + hook["config"]["url"].split("/webhooks")[1]
        headers = {"x-gitea-event": name, "x-gitea-delivery": delivery, "content-type": "application/json"}
        headers |= signature("gitea", body.encode(), self.secret().encode())
        message = event("POST", path, headers=headers, body=body)
        message["pathParameters"] = dict(zip(("kind", "hook"), path.split("/")[2:], strict=True))
        response = self.modules["webhooks.handler"].handler(message, None)
        assert response["statusCode"] == 202, response
        process_queue()
        return self.deliveries()[0]

    def report(self) -> int:
        """Carries out the reports that were requested, and returns how many statuses and comments were sent."""
        requested, self.lambdas.invoked = self.lambdas.invoked, []
        reports = [json.loads(one["Payload"]) for one in requested if one["FunctionName"] == "commit-reports"]
        return sum(self.modules["commit_reports.handler"].handler(one, None)["sent"] for one in reports)

    def end(self, run_id: str, state: RunState, cause: str | None = None) -> None:
        """Ends a run as `settle` does, and requests the report that `observe` would request."""
        runs = self.api.services.runs
        run = runs.get_run(run_id)
        ended = replace(run, state=state, cause=cause, finished_at=self.api.services.clock())
        RunItem.of(ended).save()
        body = {"repository": run.event["repository_id"], "commit": run.event["commit"], "run": run_id}
        payload = json.dumps({**body, "attempt": 0, "deferred": False}).encode()
        self.lambdas.invoke(FunctionName="commit-reports", Payload=payload)

    def comment(self, body: str, sender: str, delivery: str) -> dict[str, Any]:
        """Comments on pull request 7, and returns the newest delivery."""
        payload = {
            "action": "created",
            "is_pull": True,
            "issue": {"number": 7},
            "comment": {"body": body, "user": {"login": sender, "id": 1}},
            "repository": {"full_name": "acme/site"},
        }
        return self.send("issue_comment", payload, delivery)

    def repository_id(self) -> str:
        return str(self.api("GET", "/v1/repositories").json["items"][0]["id"])

    def deliveries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", f"/v1/repositories/{self.repository_id()}/deliveries").json[
            "items"
        ]
        return found

    def checks(self) -> dict[str, bool]:
        answer = self.api("GET", f"/v1/repositories/{self.repository_id()}/checks").json
        return {check["name"]: check["ok"] for check in answer["checks"]}


def process_queue() -> None:
    """Processes what waits in the queue `deliveries`."""
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName="deliveries")["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        records = [{"messageId": str(number), "body": one["Body"]} for number, one in enumerate(messages)]
        assert sys.modules["deliveries.handler"].handler({"Records": records}, None)["batchItemFailures"] == []


@pytest.fixture
def world(api: Api, lambdas: NoLambdas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    source = Repository(tmp_path / "git" / "site")
    for name in FUNCTIONS:
        sys.modules.pop(name, None)
    with code_host() as host, served(tmp_path / "git") as address:
        world = World(api, host, source, address, lambdas)
        services = {"lambda": lambdas, "sqs": world.delayed}
        monkeypatch.setattr(commit_report_requests, "client", services.__getitem__)
        yield world
    for name in FUNCTIONS:
        sys.modules.pop(name, None)


def test_connecting_creates_the_webhook_and_disconnecting_removes_it(world: World) -> None:
    connected = world.connect().json

    (hook,) = world.host.hooks.values()
    assert (connected["name"], connected["kind"], connected["webhook_id"]) == ("acme/site", "gitea", str(hook["id"]))
    assert hook["config"]["url"] == connected["webhook_url"] == f"https://api.example/webhooks/gitea/{connected['id']}"
    assert set(hook["events"]) == {"push", "pull_request", "issue_comment", "release"}
    world.connect(409)
    assert len(world.host.hooks) == 1

    gone = world.api("DELETE", f"/v1/repositories/{connected['id']}")
    assert (gone.status, gone.json) == (200, {"webhook_remains": None})
    assert world.host.hooks == {}
    assert world.api("GET", "/v1/repositories").json["items"] == []


def test_a_refused_token_or_webhook_leaves_nothing(world: World) -> None:
    answer = world.connect(422, token="another")
    assert answer.json["violations"][0]["pointer"] == "/token"
    missing = world.connect(422, url=f"{world.host.url}/acme/other")
    assert missing.json["violations"][0]["pointer"] == "/url"
    assert world.connect(422, url=f"{world.host.url}/acme/site", kind=None).json["violations"][0]["pointer"] == "/kind"
    assert world.api("GET", "/v1/repositories").json["items"] == []
    assert world.host.hooks == {}


def test_rotating_renews_the_secret_and_mends_a_missing_webhook(world: World) -> None:
    repository_id = world.connect().json["id"]
    before = world.secret()
    commit = world.source.commit({".cadence/tests.yaml": TESTS})

    world.api("POST", f"/v1/repositories/{repository_id}/rotate", {})
    assert world.secret() != before
    assert len(world.push(commit)["runs"]) == 1

    world.host.hooks.clear()
    assert world.checks()["webhook"] is False
    assert world.api("POST", f"/v1/repositories/{repository_id}/rotate", {"token": TOKEN}).status == 200
    assert world.checks() == dict.fromkeys(("reachable", "name", "rights", "webhook", "deliveries", "reports"), True)
    assert world.api("POST", f"/v1/repositories/{repository_id}/rotate", {"token": "bad"}).status == 422


def test_disconnecting_from_an_unreachable_host_needs_force(world: World) -> None:
    repository_id = world.connect().json["id"]
    world.host.failures = [(500, {})] * 2

    assert world.api("DELETE", f"/v1/repositories/{repository_id}").status == 422
    forced = world.api("DELETE", f"/v1/repositories/{repository_id}", query={"force": "true"})
    assert "500" in forced.json["webhook_remains"]
    assert world.api("GET", f"/v1/repositories/{repository_id}").status == 404


def test_a_push_runs_the_pipelines_of_its_commit_once(world: World) -> None:
    world.connect()
    stored = TESTS.replace("name: tests", "name: stored")
    world.api("PUT", "/v1/projects/default/pipelines/stored", {"document": stored})
    first = world.source.commit({".cadence/tests.yaml": TESTS, ".cadence/readme.md": "no pipeline"})
    second = world.source.commit({".cadence/tests.yaml": TESTS.replace("name: tests", "name: renamed")})

    started = world.push(first)
    assert world.push(first) == started
    assert world.push(second, "d-2")["runs"]
    runs = world.api("GET", "/v1/runs").json["items"]
    assert sorted(run["pipeline"] for run in runs) == ["renamed", "tests"]
    run = world.api("GET", f"/v1/runs/{started['runs'][0]}").json
    assert (run["event"]["commit"], run["event"]["branch"]) == (first, "main")


def test_events_that_start_nothing_say_why(world: World) -> None:
    world.connect()
    empty = world.source.commit({"src/a.py": "1"})
    commit = world.source.commit({".cadence/tests.yaml": TESTS})

    assert "no pipeline" in world.push(empty, "d-1")["outcome"]
    assert "[skip ci]" in world.push(commit, "d-2", message="Words [skip ci]")["outcome"]
    assert "acme/other" in world.push(commit, "d-3", name="acme/other")["outcome"]
    assert "deleted" in world.push("0" * 40, "d-4")["outcome"]
    assert "0 triggered" in world.push(commit, "d-5", ref="refs/heads/other")["outcome"]
    assert "cannot be read" in world.push("f" * 40, "d-6")["outcome"]
    assert world.api("GET", "/v1/runs").json["items"] == []


def test_a_finding_is_a_failed_status_with_its_line(world: World) -> None:
    world.connect()
    commit = world.source.commit({".cadence/ci.yaml": TESTS.replace("name: tests", "nmae: tests")})

    (run_id,) = world.push(commit)["runs"]
    world.report()

    status = world.host.status_of(commit)["cadence/ci"]
    assert status["state"] == "failure"
    assert ".cadence/ci.yaml:2:1" in status["description"]
    assert status["target_url"] == f"https://api.example/ui/runs/{run_id}"


def test_a_status_follows_its_run_and_is_sent_once(world: World) -> None:
    world.connect()
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    (run_id,) = world.push(commit)["runs"]

    assert world.report() == 1
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "pending"
    world.end(run_id, RunState.SUCCEEDED)
    world.end(run_id, RunState.SUCCEEDED)
    assert world.report() == 1
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "success"
    assert [status["state"] for status in world.host.statuses] == ["pending", "success"]


def test_a_pull_request_gets_one_comment_that_is_edited(world: World) -> None:
    world.connect()
    base = world.source.commit({".cadence/tests.yaml": TESTS})
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"a": "1"})

    (run_id,) = world.pull_request(base, head, fork=False)["runs"]
    world.report()
    assert world.host.comments == {}
    world.end(run_id, RunState.FAILED, "test failed: exit code 2")
    world.report()
    (comment,) = world.host.comments.values()
    assert comment["number"] == 7 and "exit code 2" in comment["body"] and run_id in comment["body"]
    assert world.host.status_of(head)["cadence/tests (pull request)"]["state"] == "failure"

    again = world.source.commit({"a": "2"})
    (second,) = world.pull_request(base, again, fork=False, delivery="d-q")["runs"]
    world.end(second, RunState.SUCCEEDED)
    world.report()
    (comment,) = world.host.comments.values()
    assert "exit code 2" not in comment["body"] and again[:12] in comment["body"]


def test_a_pull_request_from_a_fork_runs_the_files_of_its_base(world: World) -> None:
    repository_id = world.connect().json["id"]
    base = world.source.commit({".cadence/tests.yaml": TESTS})
    head = world.source.commit({".cadence/tests.yaml": TESTS.replace("make test", "steal"), ".cadence/b.yaml": TESTS})

    (run_id,) = world.pull_request(base, head, fork=True)["runs"]
    assert "make test" in world.api("GET", f"/v1/runs/{run_id}/document").text

    world.api("DELETE", f"/v1/repositories/{repository_id}")
    world.connect(forks="nothing")
    assert "forks" in world.pull_request(base, head, fork=True, delivery="d-2")["outcome"]


def test_the_final_state_arrives_after_an_outage(world: World) -> None:
    world.connect()
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    (run_id,) = world.push(commit)["runs"]
    world.report()

    world.host.failures = [(503, {})]
    world.end(run_id, RunState.SUCCEEDED)
    assert world.report() == 0
    assert world.checks()["reports"] is False
    # Another request meanwhile leaves the work to the attempt that is due.
    world.end(run_id, RunState.SUCCEEDED)
    assert world.report() == 0

    (retry,) = world.delayed.messages
    assert retry["attempt"] == 1
    world.lambdas.invoke(FunctionName="commit-reports", Payload=json.dumps(retry).encode())
    assert world.report() == 1
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "success"
    assert world.checks()["reports"] is True


def test_reports_on_one_commit_are_made_one_at_a_time(world: World) -> None:
    repository_id = world.connect().json["id"]
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    world.push(commit)
    (requested,) = [one for one in world.lambdas.invoked if one["FunctionName"] == "commit-reports"]
    reports, now = DynamoCommitReports("repositories"), world.api.services.clock()
    assert reports.take(repository_id, commit, "another", now + timedelta(minutes=2), now) is not None

    assert world.report() == 0
    world.lambdas.invoke(**requested)
    assert world.report() == 0
    # However many were refused, one more is due, and it stays due until it has the lease.
    (later,) = world.delayed.messages
    assert later["deferred"] is True
    world.lambdas.invoke(FunctionName="commit-reports", Payload=json.dumps(later).encode())
    assert world.report() == 0
    assert len(world.delayed.messages) == 2

    reports.release(repository_id, commit, "another")
    world.lambdas.invoke(FunctionName="commit-reports", Payload=json.dumps(later).encode())
    assert world.report() == 1
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "pending"


def test_a_report_that_is_refused_the_lease_and_killed_leaves_a_later_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository_id = world.connect().json["id"]
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    world.push(commit)
    reports, now = DynamoCommitReports("repositories"), world.api.services.clock()
    assert reports.take(repository_id, commit, "another", now + timedelta(minutes=2), now) is not None
    requested = list(world.lambdas.invoked)

    for after in ("send", "note"):
        world.lambdas.invoked = list(requested)
        with monkeypatch.context() as patch:
            if after == "send":
                patch.setattr(world.delayed, "send_message", killed)
            else:
                patch.setattr(DynamoCommitReports, "note_waiting", killed)
            with pytest.raises(RuntimeError):
                world.report()
        assert len(world.delayed.messages) == ("send", "note").index(after)
    # The repetition of what was killed requests one, and what was requested twice is reported once.
    world.lambdas.invoked = list(requested)
    assert world.report() == 0
    assert len(world.delayed.messages) == 2
    reports.release(repository_id, commit, "another")
    for later in world.delayed.messages:
        world.lambdas.invoke(FunctionName="commit-reports", Payload=json.dumps(later).encode())
    assert world.report() == 1


def test_a_late_note_of_a_later_report_hides_no_further_one(world: World) -> None:
    repository_id = world.connect().json["id"]
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    reports, now = DynamoCommitReports("repositories"), world.api.services.clock()
    until = now + timedelta(minutes=2)
    assert reports.take(repository_id, commit, "first", until, now) is not None
    reports.release(repository_id, commit, "first")
    assert reports.holder(repository_id, commit) == LeaseHolder()
    reports.note_waiting(repository_id, commit, "first")
    assert reports.take(repository_id, commit, "second", until, now) is not None
    reports.note_waiting(repository_id, commit, "first")
    assert reports.holder(repository_id, commit) == LeaseHolder("second")
    reports.note_waiting(repository_id, commit, "second")
    assert reports.holder(repository_id, commit) == LeaseHolder("second", awaited=True)


def killed(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


def test_an_older_commit_does_not_overwrite_the_comment_of_a_newer_one(world: World) -> None:
    world.connect()
    base = world.source.commit({".cadence/tests.yaml": TESTS})
    world.source.git("checkout", "--quiet", "-b", "change")
    heads = [world.source.commit({"a": str(number)}) for number in range(2)]
    runs = [
        world.pull_request(base, head, fork=False, delivery=f"d-{number}")["runs"][0]
        for number, head in enumerate(heads)
    ]

    for run_id in reversed(runs):
        world.end(run_id, RunState.FAILED, f"cause of {run_id}")
        world.report()
    (comment,) = world.host.comments.values()
    assert f"cause of {runs[1]}" in comment["body"]
    assert world.host.status_of(heads[0])["cadence/tests (pull request)"]["state"] == "failure"


def test_a_repository_is_seen_only_by_its_project(world: World, other_project: str) -> None:
    repository_id = world.connect().json["id"]
    token = world.api.token_for(["repositories:read", "repositories:write"], other_project)

    for method, path in (("GET", ""), ("GET", "/checks"), ("GET", "/deliveries"), ("DELETE", "")):
        assert world.api(method, f"/v1/repositories/{repository_id}{path}", token=token).status == 404
    assert world.api("GET", "/v1/repositories", token=token).json["items"] == []
