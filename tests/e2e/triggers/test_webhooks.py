"""Signed webhooks of a real repository: each push starts its pipelines once, and none is lost."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cadence.local.demo.repository import head
from cadence.local.demo.webhook import Webhook
from cadence.local.shared.git_head import RepositoryHead
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.github_events import deliver
from tests.waiting import eventually, last_look

pytestmark = pytest.mark.slow

SECRET = "a webhook's secret, long enough"


@dataclass(frozen=True)
class Hub:
    """A git host known to a project of its own, in which one pipeline waits for pushes to `main` and another for
    others.
    """

    api: Api
    project: str
    webhook: Webhook
    head: RepositoryHead

    def deliver(self, body: bytes, delivery: str, event: str = "push", secret: str = SECRET) -> requests.Response:
        return deliver(self.webhook.url, body, event, secret, delivery)

    def push(self, **changes: Any) -> bytes:
        """The body that announces a push of the repository's commit, with some members changed."""
        repository = {"full_name": "local/checkout", "clone_url": self.head.url}
        head_commit = {"message": self.head.message, "author": {"name": self.head.author}}
        payload = {
            "ref": self.head.ref,
            "after": self.head.commit,
            "repository": repository,
            "head_commit": head_commit,
        }
        return json.dumps(payload | changes).encode()

    def runs(self) -> list[dict[str, Any]]:
        return list(self.api.get("/v1/runs", project=self.project, limit=200)["items"])

    def runs_when(self, condition: Callable[[list[dict[str, Any]]], bool], within: float = 60) -> list[dict[str, Any]]:
        return last_look(self.runs, condition, within, pause=0.2)

    def settled(self) -> list[dict[str, Any]]:
        """The runs once everything that was accepted before has been dealt with: a last push has got its run."""
        delivery = uuid.uuid4().hex
        assert self.deliver(self.push(after="f" * 40), delivery).status_code == 202
        found = self.runs_when(lambda runs: any(self._commit(run) == "f" * 40 for run in runs))
        return [run for run in found if self._commit(run) != "f" * 40]

    def _commit(self, run: dict[str, Any]) -> str:
        return str(self.api.run(run["run_id"])["event"]["commit"])


@pytest.fixture
def hub(api: Api, tmp_path: Path) -> Hub:
    """Its pipelines run nothing that needs a runner for long."""
    project = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": project}).status_code == 201
    say = 'echo "$CADENCE_EVENT_BRANCH $CADENCE_EVENT_COMMIT $CADENCE_EVENT_REPOSITORY_URL $CADENCE_EVENT_MESSAGE"'
    for name, branches in (("on-main", ["main"]), ("on-release", ["release/*"])):
        document = {
            "cadence": 1,
            "name": name,
            "on": {"push": {"branches": branches}},
            "treatments": {"say": {"run": say}},
        }
        put = api.call("PUT", f"/v1/projects/{project}/pipelines/{name}", json={"document": document})
        assert put.status_code == 201, put.text
    body = {"kind": "github", "project": project, "name": "hub", "webhook_secret": SECRET}
    added = api.call("POST", "/v1/githosts", json=body)
    assert added.status_code == 201, added.text
    webhook = Webhook(api.url + added.json()["webhook_path"], SECRET)
    return Hub(api, project, webhook, head(repository(tmp_path / "checkout"), tmp_path / "spare"))


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\n")
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        [
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "commit",
            "--quiet",
            "--message",
            "The first commit",
        ],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def test_a_push_starts_the_pipeline_of_its_branch(hub: Hub) -> None:
    hub.webhook.push(hub.head)

    started = hub.runs_when(bool)
    assert [run["pipeline"] for run in started] == ["on-main"]
    run = hub.api.finished(started[0]["run_id"])
    assert run["state"] == "succeeded", run["cause"]
    event = run["event"]
    assert (event["kind"], event["branch"], event["commit"]) == ("push", "main", hub.head.commit)
    assert (event["repository_url"], event["author"], event["message"]) == (hub.head.url, "Ada", "The first commit")
    said = f"main {hub.head.commit} {hub.head.url} The first commit"
    assert said in [line["text"] for line in hub.api.lines(run["run_id"])]


def test_a_delivery_that_comes_again_starts_nothing_more(hub: Hub) -> None:
    body = hub.push()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: hub.deliver(body, "the-same"), range(4)))
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len(hub.runs_when(bool)) == 1

    assert hub.deliver(body, "the-same").status_code == 202
    assert len(hub.settled()) == 1


def test_twenty_deliveries_at_once_start_twenty_runs(hub: Hub) -> None:
    commits = [f"{number:040x}" for number in range(1, 21)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda commit: hub.deliver(hub.push(after=commit), f"many-{commit}"), commits))

    assert [answer.status_code for answer in answers] == [202] * 20
    started = hub.runs_when(lambda runs: len(runs) >= 20)
    ended = [hub.api.finished(run["run_id"]) for run in started]
    assert sorted(run["event"]["commit"] for run in ended) == commits
    assert {run["state"] for run in ended} == {"succeeded"}


def test_what_is_no_push_to_a_wanted_branch_starts_nothing(hub: Hub) -> None:
    forged = hub.deliver(hub.push(), "forged", secret="another secret, as long as the right one")
    assert forged.status_code == 401
    assert forged.headers["content-type"] == "application/problem+json"
    ping = hub.deliver(b'{"zen": "Keep it logically awesome."}', "ping", event="ping")
    assert (ping.status_code, ping.json()) == (200, {"status": "pong"})
    assert hub.deliver(b"{}", "issues", event="issues").status_code == 202
    others: list[dict[str, Any]] = [
        {"ref": "refs/heads/feature"},
        {"ref": "refs/tags/main"},
        {"deleted": True, "after": "0" * 40},
    ]
    for number, changes in enumerate(others):
        assert hub.deliver(hub.push(**changes), f"other-{number}").status_code == 202
    for number, body in enumerate((b"{", b"[]", b"{}", hub.push(after=7))):
        assert hub.deliver(body, f"broken-{number}").status_code == 422

    assert hub.settled() == []


def test_deliveries_that_arrive_while_their_lambda_fails_come_through_later(hub: Hub, stack: Stack) -> None:
    commits = [f"{number:040x}" for number in range(1, 6)]
    with pipelines_table_gone(stack) as failed:
        for commit in commits:
            assert hub.deliver(hub.push(after=commit), f"failing-{commit}").status_code == 202
        failed(5)
        assert hub.runs() == []

    started = hub.runs_when(lambda runs: len(runs) >= 5)
    ended = [hub.api.finished(run["run_id"]) for run in started]
    assert sorted(run["event"]["commit"] for run in ended) == commits
    assert len(hub.settled()) == 5


@contextmanager
def pipelines_table_gone(stack: Stack) -> Iterator[Callable[[int], None]]:
    """The Lambda `deliveries` looks for its pipelines in a table that is not there, and failed messages come again
    soon.

    Yields what waits until so many messages have failed.
    """
    root = Account(stack).root
    lambdas, queues, logs = root("lambda"), root("sqs"), root("logs")
    name = "cadence-main-deliveries"
    queue = queues.get_queue_url(QueueName=name)["QueueUrl"]
    timeout = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def failed(count: int) -> None:
        words = "the deliveries did not fail: the test has shown nothing"
        eventually(lambda: failures() >= count, what=words, pause=0.2)

    def failures() -> int:
        log = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", startTime=begun)["events"]
        return sum("could not be processed" in event["message"] for event in log)

    begun = int(time.time() * 1000)
    queues.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    try:
        gone = variables | {"CADENCE_PIPELINES_TABLE": "gone"}
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": gone})
        yield failed
    finally:
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        # Messages that are hidden now have the old timeout; they are seen again within it.
        queues.set_queue_attributes(QueueUrl=queue, Attributes=timeout)
