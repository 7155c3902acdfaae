"""The webhooks and deliveries Lambdas: from a signed push to exactly one run."""

import base64
import hashlib
import hmac
import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from cadence.adapters.aws import client
from cadence.adapters.step_functions import StepFunctionsMachines
from tests.integration.api.calling import HELLO, Answer, Api, event

SECRET = "a-secret-of-the-webhook"
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": "c0ffee" + "0" * 34,
    "repository": {"full_name": "acme/web", "clone_url": "https://git.example/acme/web.git"},
    "sender": {"login": "ada"},
    "head_commit": {"message": "Fix é", "author": {"name": "Ada"}},
    "commits": [{"added": ["src/a.py"], "modified": [], "removed": []}],
}


class Hooks:
    def __init__(self, api: Api, webhooks: ModuleType, deliveries: ModuleType, queue_url: str) -> None:
        self.api, self.webhooks, self.deliveries, self.queue_url = api, webhooks, deliveries, queue_url
        added = api(
            "POST",
            "/v1/githosts",
            {"kind": "github", "project": "default", "name": "hub", "webhook_secret": SECRET},
        )
        assert added.status == 201
        self.path: str = added.json["webhook_path"]

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
        "repository_url": "https://git.example/acme/web.git",
        "commit": PUSH["after"],
        "before": PUSH["before"],
        "ref": "refs/heads/main",
        "branch": "main",
        "sender": "ada",
        "author": "Ada",
        "message": "Fix é",
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
        ("push: {}", {"ref": "refs/tags/v1"}, 0),
    ],
)
def test_what_a_push_starts(api, hooks, on, change, runs):
    put(api, HELLO.replace("push: {branches: [main]}", on))

    hooks.send({**PUSH, **change})
    hooks.process(*hooks.queued())

    assert len(hooks.runs()) == runs
