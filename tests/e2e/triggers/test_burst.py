"""A burst of webhooks on the whole stack, which is stopped and started again meanwhile, while its Lambdas are killed.

Some webhooks are sent twice, all of them in any order, and those that the stack does not accept are sent again by the
code host or never. Each push has exactly the runs that it should, and its commit ends with their true states.
`CADENCE_BURST=1000` sends as many webhooks, `CADENCE_BURST_SEED` repeats the choices of an earlier burst.
"""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import control, processes, record
from cadence.local.supervision.supervisor import StackOptions
from tests.doubles.code_host import TOKEN, CodeHostDouble, code_host
from tests.e2e.account import Account
from tests.e2e.api import FINAL, Api
from tests.e2e.conftest import Stack
from tests.e2e.processes import command_lines, parent_of
from tests.git.repositories import Repository, served
from tests.unit.triggers.test_githosts import signature
from tests.waiting import last_look

pytestmark = pytest.mark.slow

SIZE = int(os.environ.get("CADENCE_BURST", "24"))
SEED = int(os.environ.get("CADENCE_BURST_SEED", "0")) or random.randrange(1, 10**6)
RESTARTS = int(os.environ.get("CADENCE_BURST_RESTARTS", "1"))
DUPLICATES = 0.3
LOST = 0.5
"""Of the webhooks that the stack did not accept, the share that is never sent again: the reconciler finds these."""
SECONDS_BETWEEN_KILLS = 1.5
SECONDS_BETWEEN_LOOKS = 60
KILLED = None if SIZE > 100 else ("webhooks", "deliveries")
"""The Lambdas that are killed, None for all. Others need minutes until what they did is done again."""
MOST_KILLS = SIZE // 6
PAUSE = max(0.1, 40 / SIZE)
"""Seconds between two webhooks while the stack restarts."""
VISIBILITY = 20 if KILLED else 120
"""Seconds after which a delivery whose Lambda was killed is processed again; six minutes otherwise."""
PATIENCE = 300 + SIZE * 4
"""Seconds, a bound on a hang."""
TESTS = """\
cadence: 1
name: tests
on: {{push: {{}}}}
treatments:
  test: {{run: "exit {status}", when: "${{{{ {executed} }}}}"}}
"""
RELEASE = """\
cadence: 1
name: release
on: {push: {branches: ["release/*"]}}
treatments:
  publish: {run: "true", when: "${{ false }}"}
"""
_STATES = {"succeeded": "success", "failed": "failure", "cancelled": "warning", "timed_out": "failure"}


@dataclass(frozen=True, kw_only=True)
class SentPush:
    """A push of a branch of its own. `passes` is whether the commands of its pipeline `tests` succeed."""

    number: int
    branch: str
    commit: str
    message: str
    passes: bool

    @property
    def pipelines(self) -> list[str]:
        """Those that it starts."""
        if "[skip ci]" in self.message:
            return []
        return ["tests", "release"] if self.branch.startswith("release/") else ["tests"]


@dataclass
class Burst:
    """Sends webhooks as a code host does: each once, and whether it is accepted or not."""

    host: CodeHostDouble
    chance: random.Random
    pushes: list[SentPush]
    accepted: int = 0
    refused: list[SentPush] = field(default_factory=list)

    def send(self, pushes: list[SentPush]) -> None:
        with ThreadPoolExecutor(8) as senders:
            for push, accepted in zip(pushes, senders.map(self._send, pushes), strict=True):
                self.accepted += accepted
                if not accepted:
                    self.refused.append(push)

    def send_during(self, pushes: list[SentPush], over: threading.Event) -> list[SentPush]:
        """Sends one after the other, a moment apart, until something is over; returns those that are left."""
        left = list(pushes)
        while left and not over.wait(PAUSE):
            self.send([left.pop(0)])
        return left

    def repeat_refused(self) -> int:
        """Sends some of those again that were not accepted; returns how many are lost for ever."""
        refused, self.refused = self.refused, []
        again = [push for push in refused if self.chance.random() >= LOST]
        self.send(again)
        return len({push.number for push in refused} - {push.number for push in again})

    def _send(self, push: SentPush) -> bool:
        (hook,) = self.host.hooks.values()
        payload = {
            "ref": f"refs/heads/{push.branch}",
            "before": "0" * 40,
            "after": push.commit,
            "repository": {"full_name": "acme/site", "clone_url": self.host.clone_urls["acme/site"]},
            "head_commit": {"message": push.message, "author": {"name": "Ada"}},
        }
        body = json.dumps(payload).encode()
        headers = {
            "content-type": "application/json",
            "x-gitea-event": "push",
            "x-gitea-delivery": f"delivery-{push.number}",
            **signature("gitea", body, hook["config"]["secret"].encode()),
        }
        try:
            return requests.post(hook["config"]["url"], data=body, headers=headers, timeout=60).status_code == 202
        except requests.RequestException:
            return False


class Killer:
    """Kills one process of a Lambda after the other, whatever it does at that moment."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self._folder, self._chance = folder, chance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while sum(self.kills.values()) < MOST_KILLS and not self._over.wait(
            self._chance.uniform(0, 2 * SECONDS_BETWEEN_KILLS)
        ):
            found = [one for one in lambdas_of(self._folder) if KILLED is None or one[1].endswith(KILLED)]
            if not found:
                continue
            # A Lambda first, since there are many processes of some.
            name = self._chance.choice(sorted({name for _, name in found}))
            pid = self._chance.choice([pid for pid, other in found if other == name])
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[name] += 1


def lambdas_of(folder: Path) -> list[tuple[int, str]]:
    """The processes of Lambdas of a stack, with the ends of the Lambdas' names: children of one that forks."""
    known = record.read_record(StackPaths.of(folder))
    if known is None:
        return []
    found = []
    for pid in sorted(process.pid for process in processes.marked(known.id)):
        with suppress(OSError):
            parent = parent_of(pid)
            if parent is not None and "fork_server" in command_lines(parent).get(parent, ""):
                found.append((pid, Path(f"/proc/{pid}/comm").read_text().strip()))
    return found


@contextmanager
def restartable(folder: Path) -> Iterator[Callable[[], Stack]]:
    """Starts a stack, or stops it and starts it again with what it has kept, at each call."""
    supervisors = []

    def start() -> Stack:
        control.down(folder, print)
        connection, supervisor = control.up(StackOptions(folder, port=0), print)
        supervisors.append(supervisor)
        return Stack(connection.url, connection.token, connection.aws_endpoint, folder)

    try:
        yield start
    finally:
        control.down(folder, print)
        for supervisor in supervisors:
            assert supervisor is not None
            assert supervisor.wait(120) == 0


def repeat_soon(sqs: Any) -> None:
    """Has deliveries whose Lambda was killed processed again soon, and as often as Lambdas are killed here."""
    queue = sqs.get_queue_url(QueueName="cadence-main-deliveries")["QueueUrl"]
    known = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    policy = {**json.loads(known["RedrivePolicy"]), "maxReceiveCount": 100}
    attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": json.dumps(policy)}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)


def pushes_of(source: Repository, count: int, chance: random.Random) -> list[SentPush]:
    """Each with a commit of its own. Every fifth executes a command, half of which fail; the others only take their
    way through the control plane. Every eleventh asks to be skipped.
    """
    found = []
    for number in range(count):
        passes, message = number % 10 != 4, "words [skip ci]" if number % 11 == 10 else "words"
        branch = f"{chance.choice(('change', 'release'))}/{number}"
        files: dict[str, str | None] = {
            ".cadence/tests.yaml": TESTS.format(
                status=0 if passes else 3, executed="true" if number % 5 == 4 else "false"
            ),
            ".cadence/release.yaml": RELEASE,
            "number": str(number),
        }
        commit = source.commit(files)
        found.append(SentPush(number=number, branch=branch, commit=commit, message=message, passes=passes))
    return found


def all_runs(api: Api, project: str) -> list[dict[str, Any]] | None:
    """None where the process that answers was killed."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"project": project, "limit": 200}
    while True:
        response = api.call("GET", "/v1/runs", params=query)
        if response.status_code == 502:
            return None
        assert response.ok, f"{response.status_code} {response.text}"
        page = response.json()
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


class Looks:
    """Has heads compared as their schedule does, again and again, since that Lambda may be killed like any other."""

    def __init__(self, stack: Stack, api: Api) -> None:
        self._lambda = Account(stack).root("lambda")
        self._api = api
        self._due = 0.0

    def runs(self) -> list[dict[str, Any]] | None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + SECONDS_BETWEEN_LOOKS
            self._lambda.invoke(FunctionName="cadence-main-reconcile", InvocationType="Event")
        return all_runs(self._api, "default")


def test_each_push_of_a_burst_has_exactly_its_runs_while_the_stack_restarts(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    source = Repository(tmp_path / "git" / "site")
    pushes = pushes_of(source, round(SIZE * (1 - DUPLICATES)), chance)
    wanted = Counter((push.branch, push.commit, pipeline) for push in pushes for pipeline in push.pipelines)
    sent = pushes + chance.sample(pushes, SIZE - len(pushes))
    chance.shuffle(sent)
    folder = tmp_path / "stack"
    with restartable(folder) as restart, code_host() as host, served(tmp_path / "git") as address:
        stack = restart()
        api = Api(stack.url, stack.token)
        body = {"project": "default", "kind": "gitea", "token": TOKEN, "public_url": api.url}
        body["url"] = host.add("acme/site", f"{address}/site")
        assert api.call("POST", "/v1/repositories", json=body).status_code == 201
        burst = Burst(host, chance, pushes)
        host.message = "words"
        host.heads = {push.branch: push.commit for push in pushes if "[skip ci]" not in push.message}
        repeat_soon(Account(stack).root("sqs"))
        began = time.monotonic()

        with Killer(folder, random.Random(SEED)) as killer:
            left = sent
            for part in range(RESTARTS + 1):
                count = len(left) // (RESTARTS + 1 - part)
                burst.send(left[:count])
                left = left[count:]
                if part < RESTARTS:
                    # Those of before are still being processed.
                    over = threading.Event()
                    with ThreadPoolExecutor(1) as others:
                        during = others.submit(burst.send_during, left, over)
                        try:
                            stack = restart()
                        finally:
                            over.set()
                        left = during.result()
            assert (stack.url, stack.token) == (api.url, api.token)
            refused = len(burst.refused)
            lost = burst.repeat_refused()
            lost += len(burst.refused)
            last_look(Looks(stack, api).runs, lambda found: len(found or ()) >= len(wanted), PATIENCE, pause=1)
            runs = last_look(
                lambda: all_runs(api, "default"),
                lambda found: found is not None and all(run["state"] in FINAL for run in found),
                PATIENCE,
                pause=1,
            )
        assert runs is not None, "whoever answers was killed each time"
        assert Counter((run["branch"], run["commit"], run["pipeline"]) for run in runs) == wanted
        ended = Counter(run["state"] for run in runs)
        print(
            f"{SIZE} webhooks, {burst.accepted} accepted, {refused} refused, {lost} lost; {len(runs)} runs ({dict(ended)}); "
            f"{RESTARTS} restarts, {sum(killer.kills.values())} Lambdas killed ({dict(killer.kills)}); "
            f"{time.monotonic() - began:.0f} s"
        )
        assert killer.kills, "no Lambda was killed: the test has shown nothing"
        assert refused, "every webhook was accepted: the restart came between them"
        passing = {push.commit: push.passes for push in pushes}
        for run in runs:
            passes = passing[run["commit"]] or run["pipeline"] == "release"
            assert run["state"] == "failed" or (passes and run["state"] == "succeeded"), run
            if passes and run["state"] == "failed":
                print(f"failed by a fault: {run['run_id']} {run['pipeline']}: {run.get('cause')}")
        true: dict[str, dict[str, str]] = {push.commit: {} for push in pushes}
        for run in runs:
            true[run["commit"]][f"cadence/{run['pipeline']}"] = _STATES[run["state"]]
        shown = last_look(lambda: _shown(host, list(true)), lambda found: found == true, PATIENCE, pause=1)
        assert shown == true


def _shown(host: CodeHostDouble, commits: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {commit: {} for commit in commits}
    for status in list(host.statuses):
        found[status["commit"]][status["context"]] = status["state"]
    return found
