"""A burst of webhooks, some sent twice, in any order, while Lambdas are killed at any call that they make to AWS.

Each event has exactly the runs that it should, and each commit ends with its true status. `CADENCE_BURST=1000` sends as
many webhooks.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any

import botocore.client
import pytest

from cadence.adapters.aws.clients import client
from cadence.application.repositories import report_commit
from cadence.domain.runs.states import RunState
from tests.integration.api.calling import event
from tests.integration.api.repositories.test_repositories import TESTS, World, world
from tests.unit.triggers.test_githosts import signature

__all__ = ["world"]

SIZE = int(os.environ.get("CADENCE_BURST", "24"))
DUPLICATES = 0.3
KILLED = 0.02
COMMITS = 6
NIGHTLY = TESTS.replace("name: tests", "name: release").replace("[main]", '["release/*"]')
ALWAYS = TESTS.replace("{branches: [main]}", "{}")
LABELLED = "cadence: 1\nname: e2e\non: {pull_request: {types: [labelled]}}\ntreatments: {test: {run: make test}}\n"
LABEL = "a label"
"""In place of a branch: the event is that pull request 7 is labelled at the commit, which may happen often."""
_MOST_TRIES = 60


class Killed(BaseException):
    """The process of a Lambda has ended, before or after a call was carried out."""


class Chaos:
    """Kills the Lambda that makes a call, with a probability, before the call or after it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kills = 0
        self.armed = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self.armed = True
        try:
            yield
        finally:
            self.armed = False

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **more: Any) -> Any:
            fate = self.random.random() if self.armed else 1.0
            if fate < KILLED / 2:
                self._kill()
            answer = call(*arguments, **more)
            if KILLED / 2 <= fate < KILLED:
                self._kill()
            return answer

        return made

    def _kill(self) -> None:
        self.kills += 1
        raise Killed


class Burst:
    """Webhooks, the queue that they go through, and the reports that follow."""

    def __init__(self, world: World, chaos: Chaos, commits: list[str]) -> None:
        self.world, self.chaos = world, chaos
        self.events = [
            (LABEL if number % 4 == 3 else f"release/{number}" if number % 3 == 0 else f"change/{number}", commit)
            for number, commit in zip(range(SIZE), cycle(commits), strict=False)
        ]

    def send(self) -> None:
        """Sends every event, some of them twice, in any order; a webhook that is not answered is sent again."""
        sent = list(enumerate(self.events))
        sent += self.chaos.random.sample(sent, int(DUPLICATES * len(sent)))
        self.chaos.random.shuffle(sent)
        for number, (branch, commit) in sent:
            self._until_it_succeeds(partial(self._webhook, number, branch, commit))

    def process(self) -> None:
        """Delivers the messages of the queue in any order, each again until its Lambda comes to its end."""
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName="deliveries")["QueueUrl"]
        bodies: list[str] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
        self.chaos.random.shuffle(bodies)
        handler = self.world.modules["deliveries.handler"].handler
        for number, body in enumerate(bodies):
            record = {"messageId": str(number), "body": body}
            self._until_it_succeeds(partial(_processed, handler, record))

    def report(self) -> None:
        """Carries out the reports that were requested, and those that these request, until there are none."""
        handler = self.world.modules["commit_reports.handler"].handler
        while self.world.lambdas.invoked or self.world.delayed.messages:
            requested, self.world.lambdas.invoked = self.world.lambdas.invoked, []
            reports = [json.loads(one["Payload"]) for one in requested if one["FunctionName"] == "commit-reports"]
            reports += self.world.delayed.messages
            self.world.delayed.messages = []
            self.chaos.random.shuffle(reports)
            for report in {json.dumps(one): one for one in reports}.values():
                self._until_it_succeeds(partial(_carried_out, handler, report))

    def _webhook(self, number: int, branch: str, commit: str) -> bool:
        payload: dict[str, Any] = {
            "ref": f"refs/heads/{branch}",
            "before": "0" * 40,
            "after": commit,
            "repository": {"full_name": "acme/site", "clone_url": self.world.host.clone_urls["acme/site"]},
            "head_commit": {"message": "A change", "author": {"name": "Ada"}},
        }
        if branch == LABEL:
            pull = self.world.pull("0" * 40, commit, fork=False)
            payload = {"action": "label_updated", "number": 7, "pull_request": pull}
        name = "pull_request" if branch == LABEL else "push"
        body = json.dumps(payload)
        (hook,) = self.world.host.hooks.values()
        path = "/webhooks" + hook["config"]["url"].split("/webhooks")[1]
        headers = {"x-gitea-event": name, "x-gitea-delivery": f"d-{number}", "content-type": "application/json"}
        headers |= signature("gitea", body.encode(), self.world.secret().encode())
        message = event("POST", path, headers=headers, body=body)
        message["pathParameters"] = dict(zip(("kind", "hook"), path.split("/")[2:], strict=True))
        return bool(self.world.modules["webhooks.handler"].handler(message, None)["statusCode"] == 202)

    def _until_it_succeeds(self, attempt: Callable[[], bool]) -> None:
        for _ in range(_MOST_TRIES):
            try:
                with self.chaos.at_work():
                    if attempt():
                        return
            except Killed:
                continue
        raise AssertionError(f"{_MOST_TRIES} tries were not enough")


def _processed(handler: Any, record: Any) -> bool:
    return bool(handler({"Records": [record]}, None)["batchItemFailures"] == [])


def _carried_out(handler: Any, report: Any) -> bool:
    return handler(report, None) is not None


def all_runs(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = world.api("GET", "/v1/runs", query=query).json
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


@pytest.mark.slow
def test_each_event_of_a_burst_has_exactly_its_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    files = {".cadence/always.yaml": ALWAYS, ".cadence/release.yaml": NIGHTLY, ".cadence/e2e.yaml": LABELLED}
    commits = [world.source.commit({**files, "n": str(number)}) for number in range(COMMITS)]
    chaos = Chaos(seed=15)
    call = chaos.around(vars(botocore.client.BaseClient)["_make_api_call"])
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    # A lease that a killed report left behind ends by itself; here no time passes.
    monkeypatch.setattr(report_commit, "LEASE", timedelta())
    burst = Burst(world, chaos, commits)

    burst.send()
    burst.process()
    runs = all_runs(world)
    wanted = Counter((branch, commit, "tests") for branch, commit in burst.events if branch != LABEL)
    wanted.update(("change", commit, "e2e") for branch, commit in burst.events if branch == LABEL)
    wanted.update((branch, commit, "release") for branch, commit in burst.events if branch.startswith("release/"))
    assert Counter((run["branch"], run["commit"], run["pipeline"]) for run in runs) == wanted
    assert chaos.kills > 0

    broken = commits[0]
    for run in runs:
        world.end(run["run_id"], RunState.FAILED if run["commit"] == broken else RunState.SUCCEEDED)
    burst.report()
    for commit in commits:
        states = {status["state"] for status in world.host.status_of(commit).values()}
        assert states == ({"failure"} if commit == broken else {"success"})
