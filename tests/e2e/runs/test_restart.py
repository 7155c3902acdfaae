"""Down and up keep what users have; a push starts exactly one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cadence.cli.client.client import Client
from cadence.local.demo.demonstration import PIPELINE, PROJECT, demonstrate, demonstration_client
from cadence.local.shared.connection import StackConnection
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import StackOptions
from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.slow

HELLO = """
cadence: 1
name: hello
treatments:
  greet:
    outputs: {greeting: Block<string>}
    run: echo "Hello after all" | tee "$CADENCE_OUT_greeting"
"""


LONG = {"long": {"run": "sleep 600"}, "later": {"run": "true", "after": ["long"]}}


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A stack that was stopped and started again: what it was before, what it is now, and what it had under way."""

    before: StackConnection
    after: StackConnection
    ended: dict[str, Any]
    lines: list[Any]
    interrupted: str


@pytest.fixture(scope="module")
def restart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restart]:
    folder = tmp_path_factory.mktemp("restart")
    options, said = StackOptions(folder, port=0), list[str]()
    supervisors = []
    try:
        before, supervisor = control.up(options, said.append)
        supervisors.append(supervisor)
        client, api = Client(before.url, before.token), Api(before.url, before.token)
        client.put_pipeline("hello", HELLO)
        ended = client.run_pipeline("hello")
        lines = list(client.all_logs(ended, follow=True))
        interrupted = api.start({"cadence": 1, "name": "long", "treatments": LONG})
        api.until(interrupted, lambda run: states(run).get("long") == "running")
        run = client.run(ended)
        control.down(folder, said.append)
        after, supervisor = control.up(options, said.append)
        supervisors.append(supervisor)
        yield Restart(before=before, after=after, ended=run, lines=lines, interrupted=interrupted)
    finally:
        control.down(folder, said.append)
        for supervisor in supervisors:
            assert supervisor is not None
            assert supervisor.wait(120) == 0


def test_pipelines_runs_logs_and_values_survive_down_and_up(restart: Restart) -> None:
    assert restart.ended["state"] == "succeeded"
    assert restart.after.token == restart.before.token, "a token that a user has copied works no longer"
    client, run_id = Client(restart.after.url, restart.after.token), restart.ended["run_id"]
    assert client.run(run_id) == restart.ended
    assert list(client.all_logs(run_id)) == restart.lines
    assert [line["text"] for line in restart.lines] == ["Hello after all"]
    assert client.pipeline("hello")["version"] == 1
    sha256 = client.trace(run_id, "greet.greeting")["origin"]["value"]["sha256"]
    assert b"".join(client.read_value(run_id, sha256)) == b"Hello after all\n"
    rerun = client.run_pipeline("hello")
    list(client.all_logs(rerun, follow=True))
    assert client.run(rerun)["state"] == "succeeded"


def test_a_run_that_the_stack_stopped_with_ends_and_says_so(restart: Restart) -> None:
    run = Api(restart.after.url, restart.after.token).finished(restart.interrupted)
    assert run["state"] == "failed"
    assert _says_stopped(run["cause"])
    assert states(run)["long"] == "lost"
    assert states(run)["later"] in {"skipped", "cancelled"}, "which of the two depends on what the watchdog sees first"
    assert _says_stopped(next(t["cause"] for t in run["treatments"] if t["name"] == "long"))


def _says_stopped(cause: str) -> bool:
    """The host agent stops first: its runner's own words may come in before the machines are gone."""
    return "the local stack was stopped" in cause or "the runner received SIGTERM" in cause


def test_the_demonstration_of_make_run(stack: Stack) -> None:
    connection = control.status(stack.folder).connection
    assert connection is not None
    client = demonstration_client(connection.url, connection.token)
    run_id, succeeded = demonstrate(client, stack.paths)
    assert succeeded
    assert client.run(run_id)["project"] == PROJECT
    in_default = Client(connection.url, connection.token)
    assert PIPELINE not in {pipeline["name"] for pipeline in in_default.pipelines()}, "pushes of others would start it"
    assert "this-checkout" not in {one["name"] for one in in_default.githosts() if one["project"] == "default"}
