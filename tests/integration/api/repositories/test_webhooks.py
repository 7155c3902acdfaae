"""The webhooks and deliveries Lambdas: from a signed push to exactly one run."""

import base64
import hashlib
import hmac
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.step_functions import StepFunctionsMachines
from tests.git.repositories import Repository, served
from tests.integration.api.calling import HELLO, Answer, Api, event
from tests.unit.triggers.test_githosts import signature

EVENTS = Path(__file__).parents[3] / "events"
SECRET = "a-secret-of-the-webhook"
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": "c0ffee" + "0" * 34,
    "repository": {"full_name": "acme/web", "clone_url": "http://127.0.0.1:9/acme/web.git"},
    "sender": {"login": "ada"},
    "head_commit": {"message": "Fix é", "author": {"name": "Ada"}},
    "commits": [{"added": ["src/a.py"], "modified": [], "removed": []}],
}


class Hooks:
    def __init__(self, api: Api, webhooks: ModuleType, deliveries: ModuleType, queue_url: str) -> None:
        self.api, self.webhooks, self.deliveries, self.queue_url = api, webhooks, deliveries, queue_url
        self.path = self.add("github", "hub")

    def add(self, kind: str, name: str, **more: Any) -> str:
        """The path of a new git host's webhooks."""
        body = {"kind": kind, "project": "default", "name": name, "webhook_secret": SECRET, **more}
        added = self.api("POST", "/v1/githosts", body)
        assert added.status == 201, added.text
        assert "token" not in added.text
        path: str = added.json["webhook_path"]
        return path

    def golden(self, name: str, **changed: Any) -> Answer:
        """Sends one of tests/events from a git host of its kind."""
        said = json.loads((EVENTS / f"{name}.json").read_text())
        body = json.dumps({**said["payload"], **changed})
        headers = {**said["headers"], **signature(said["kind"], body.encode(), SECRET.encode())}
        path = self.add(said["kind"], f"{name}-host")
        message = event("POST", path, headers=headers, body=body)
        message["pathParameters"] = dict(zip(("kind", "hook"), path.split("/")[2:], strict=True))
        response = self.webhooks.handler(message, None)
        return Answer(response["statusCode"], response["headers"], response["body"])

    def send(
        self,
        payload: Any = None,
        *,
        name: str = "push",
        delivery: str | None = "d-1",
        secret: str = SECRET,
        path: str | None = None,
        signature: str | None = None,
        raw: bytes | None = None,
        as_base64: bool = False,
        content_type: str = "application/json",
    ) -> Answer:
        body = raw if raw is not None else json.dumps(payload if payload is not None else PUSH).encode()
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": content_type,
            "X-GitHub-Event": name,
            "x-hub-signature-256": signature if signature is not None else f"sha256={digest}",
        }
        if delivery is not None:
            headers["x-github-delivery"] = delivery
        where = path or self.path
        text = base64.b64encode(body).decode() if as_base64 else body.decode()
        golden = event("POST", where, headers=headers, body=text, is_base64=as_base64)
        golden["pathParameters"] = dict(zip(("kind", "hook"), where.split("/")[2:], strict=True))
        response = self.webhooks.handler(golden, None)
        return Answer(response["statusCode"], response["headers"], response["body"])

    def queued(self) -> list[str]:
        """Takes what is queued."""
        sqs = client("sqs")
        received = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in received]

    def process(self, *bodies: str) -> list[str]:
        """The message ids that failed."""
        records = [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]
        answer = self.deliveries.handler({"Records": records}, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def runs(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.api("GET", "/v1/runs").json["items"]
        return listed


@pytest.fixture
def hooks(api: Api, settings: dict[str, str]) -> Iterator[Hooks]:
    for name in ("webhooks.handler", "deliveries.handler"):
        sys.modules.pop(name, None)
    webhooks = importlib.import_module("webhooks.handler")
    deliveries = importlib.import_module("deliveries.handler")
    yield Hooks(api, webhooks, deliveries, settings["deliveries_queue_url"])
    for name in ("webhooks.handler", "deliveries.handler"):
        sys.modules.pop(name, None)


def put(api: Api, document: str) -> None:
    name = document.split("name: ")[1].split("\n")[0]
    answer = api("PUT", f"/v1/projects/default/pipelines/{name}", {"document": document})
    assert answer.status == 201, answer.text


def test_a_signed_push_becomes_a_run(api, hooks):
    put(api, HELLO)

    assert hooks.send().status == 202
    assert hooks.process(*hooks.queued()) == []

    (run,) = hooks.runs()
    assert run["created_by"] == "github hub"
    assert api("GET", f"/v1/runs/{run['run_id']}").json["event"] == {
        "kind": "push",
        "repository": "acme/web",
        "repository_url": "http://127.0.0.1:9/acme/web.git",
        "commit": PUSH["after"],
        "before": PUSH["before"],
        "ref": "refs/heads/main",
        "branch": "main",
        "sender": "ada",
        "author": "Ada",
        "message": "Fix é",
        "changed_files": ["src/a.py"],
    }
    assert run["pipeline_version"] == 1


def test_the_signature_is_that_of_the_raw_bytes(hooks):
    assert hooks.send(raw=json.dumps(PUSH, indent=3).encode(), as_base64=True).status == 202
    form = b"payload=" + json.dumps(PUSH).replace(" ", "").replace("+", "%2B").encode()
    assert hooks.send(raw=form, content_type="application/x-www-form-urlencoded").status == 202


def test_a_wrong_signature_and_an_unknown_address_look_the_same(hooks):
    wrong = [
        hooks.send(secret="another"),
        hooks.send(signature=""),
        hooks.send(signature="sha256=é"),
        hooks.send(signature="sha1=00"),
        hooks.send(path="/webhooks/github/01unknown"),
        hooks.send(path=hooks.path.replace("github", "gitlab")),
        hooks.send(path="/webhooks/github/01unknown", secret="unknown"),
    ]

    assert {answer.status for answer in wrong} == {401}
    assert len({answer.text for answer in wrong}) == 1
    assert hooks.queued() == []


def test_ping_is_answered_and_other_events_are_ignored(hooks):
    assert hooks.send({"zen": "…"}, name="ping").status == 200
    assert hooks.send({}, name="issues").status == 202
    assert hooks.queued() == []


@pytest.mark.parametrize(
    "sent",
    [
        {"raw": b"{"},
        {"raw": b"[]"},
        {"raw": b"\xff", "as_base64": True},
        {"payload": {"ref": "refs/heads/main"}},
        {"delivery": None},
        {"payload": {**PUSH, "ref": "refs/heads/" + "x" * 1_000}},
        {"raw": b"x=y", "content_type": "application/x-www-form-urlencoded"},
        {"raw": b"[" * 100_000},
    ],
)
def test_a_signed_webhook_that_is_no_push_is_refused(hooks, sent):
    answer = hooks.send(**sent)

    assert answer.status == 422
    assert answer.json["code"] == "invalid_request"
    assert hooks.queued() == []


def test_a_push_that_is_delivered_again_starts_no_second_run(api, hooks):
    put(api, HELLO)
    hooks.send()
    hooks.send()
    messages = hooks.queued()
    assert len(messages) == 2

    assert hooks.process(*messages, messages[0]) == []
    assert len(hooks.runs()) == 1

    hooks.send(delivery="d-2")
    hooks.process(*hooks.queued())
    assert len(hooks.runs()) == 2


def test_a_crash_between_two_runs_loses_none_and_doubles_none(api, hooks, settings, monkeypatch):
    put(api, HELLO)
    put(api, HELLO.replace("name: hello", "name: world"))
    hooks.send()
    messages = hooks.queued()
    started: list[str] = []
    start_run = StepFunctionsMachines.start_run

    def fail_the_second(self, run_id, deadline_seconds):
        if started:
            raise RuntimeError("the process ends here")
        started.append(run_id)
        start_run(self, run_id, deadline_seconds)

    with monkeypatch.context() as patched:
        patched.setattr(StepFunctionsMachines, "start_run", fail_the_second)
        assert hooks.process(*messages) == ["m0"]
    assert hooks.process(*messages) == []

    executions = client("stepfunctions").list_executions(stateMachineArn=settings["run_machine_arn"])
    assert sorted(run["pipeline"] for run in hooks.runs()) == ["hello", "world"]
    assert {execution["name"] for execution in executions["executions"]} == {run["run_id"] for run in hooks.runs()}


def test_one_bad_message_does_not_hold_up_the_others(api, hooks):
    put(api, HELLO)
    hooks.send()
    (good,) = hooks.queued()
    gone = json.dumps({**json.loads(good), "githost": "01gone"})

    assert hooks.process("not a message", gone, good) == ["m0"]
    assert len(hooks.runs()) == 1


def test_a_body_too_large_for_a_message_goes_by_pointer(api, hooks):
    put(api, HELLO)
    large = {**PUSH, "commits": [{"added": ["x" * 200 + str(number)]} for number in range(2000)]}

    assert hooks.send(large).status == 202
    (message,) = hooks.queued()
    assert len(message) < 1000
    assert hooks.process(message) == []
    assert len(hooks.runs()) == 1


@pytest.mark.parametrize(
    ("on", "change", "runs"),
    [
        ("push: {branches: [main]}", {"ref": "refs/heads/dev"}, 0),
        ('push: {branches: ["release/*"]}', {"ref": "refs/heads/release/1"}, 1),
        ('push: {paths: ["docs/**"]}', {}, 0),
        ('push: {paths: ["src/**"]}', {}, 1),
        ('push: {paths: ["docs/**"]}', {"commits": []}, 1),
        ("push: {}", {"deleted": True}, 0),
        ("push: {}", {"after": "0" * 40}, 0),
        ("push: {}", {"ref": "refs/tags/v1"}, 1),
        ("push: {branches: [main]}", {"ref": "refs/tags/v1"}, 0),
        ('push: {tags: ["v*"]}', {"ref": "refs/tags/v1"}, 1),
        ('push: {tags: ["v*"]}', {}, 0),
        ('push: {branches: ["**", "!dev"]}', {"ref": "refs/heads/dev"}, 0),
    ],
)
def test_what_a_push_starts(api, hooks, on, change, runs):
    put(api, HELLO.replace("push: {branches: [main]}", on))

    hooks.send({**PUSH, **change})
    hooks.process(*hooks.queued())

    assert len(hooks.runs()) == runs


@pytest.mark.parametrize(
    ("name", "on", "kind"),
    [
        ("github-pull-request-fork", "pull_request: {branches: [main]}", "pull_request"),
        ("gitlab-merge-request-fork", "pull_request: {branches: [main]}", "pull_request"),
        ("gitea-pull-request-fork", "pull_request: {}", "pull_request"),
        ("bitbucket-pull-request-fork", "pull_request: {}", "pull_request"),
        ("gitlab-push-tag", "push: {tags: [v*]}", "push"),
        ("gitea-push", "push: {branches: [main]}", "push"),
        ("bitbucket-push", "push: {branches: [main]}", "push"),
    ],
)
def test_every_kind_of_git_host_starts_runs(api, hooks, name, on, kind):
    put(api, HELLO.replace("push: {branches: [main]}", on))

    assert hooks.golden(name).status == 202
    assert hooks.process(*hooks.queued()) == []

    (run,) = hooks.runs()
    said = api("GET", f"/v1/runs/{run['run_id']}").json["event"]
    assert said["kind"] == kind
    assert said["repository"]


def test_an_event_that_is_no_reason_to_start_anything_is_not_even_queued(hooks):
    assert hooks.golden("github-release-edited").json == {"status": "ignored"}
    assert hooks.golden("gitlab-merge-request-renamed").json == {"status": "ignored"}
    assert hooks.queued() == []


def test_the_files_that_differ_decide_and_not_those_that_the_event_lists(api, hooks, tmp_path):
    made = Repository(tmp_path / "web")
    before = made.commit({"src/a.py": "1", "docs/a.md": "1"})
    made.commit({"src/a.py": "2"})
    after = made.commit({"src/a.py": "1", "docs/a.md": "2"})
    put(api, HELLO.replace("push: {branches: [main]}", 'push: {paths: ["src/**"]}'))
    put(
        api,
        HELLO.replace("name: hello", "name: docs").replace("push: {branches: [main]}", 'push: {paths: ["docs/**"]}'),
    )

    with served(tmp_path) as address:
        repository = {**PUSH["repository"], "clone_url": f"{address}/web"}
        hooks.send({**PUSH, "before": before, "after": after, "repository": repository})
        assert hooks.process(*hooks.queued()) == []

    (run,) = hooks.runs()
    assert run["pipeline"] == "docs"
    assert api("GET", f"/v1/runs/{run['run_id']}").json["event"]["paths_from"] == "diff"


def test_a_private_repository_is_read_with_the_git_hosts_token_which_nobody_else_is_sent(api, hooks, tmp_path):
    made = Repository(tmp_path / "web")
    before = made.commit({"a": "1"})
    after = made.commit({"b": "1"})
    put(api, HELLO.replace("push: {branches: [main]}", "push: {paths: [b]}"))

    with served(tmp_path, token="the-token-of-the-host") as address:
        repository = {**PUSH["repository"], "clone_url": f"{address}/web"}
        payload = {**PUSH, "before": before, "after": after, "repository": repository}
        own = hooks.add("github", "own", url=address, access_token="the-token-of-the-host")
        other = hooks.add("github", "other", url="http://127.0.0.2:1", access_token="the-token-of-the-host")
        hooks.send(payload, path=own)
        hooks.send(payload, path=other)
        assert hooks.process(*hooks.queued()) == []

    # The event lists `src/a.py` only.
    assert [run["created_by"] for run in hooks.runs()] == ["github own"]


def test_without_the_repository_the_event_decides_and_the_run_says_so(api, hooks):
    put(api, HELLO.replace("push: {branches: [main]}", 'push: {paths: ["src/**"]}'))

    hooks.send({**PUSH, "before": "1" * 40})
    hooks.process(*hooks.queued())

    (run,) = hooks.runs()
    assert api("GET", f"/v1/runs/{run['run_id']}").json["event"]["paths_from"] == "event"


def test_a_token_without_a_place_to_send_it_to_is_refused(api):
    body = {"kind": "gitea", "project": "default", "name": "tea", "access_token": "t"}

    assert api("POST", "/v1/githosts", body).status == 422
    assert api("POST", "/v1/githosts", {**body, "url": "https://user@git.example"}).status == 422
    added = api("POST", "/v1/githosts", {**body, "url": "https://git.example/"})
    assert (added.status, added.json["url"]) == (201, "https://git.example")
