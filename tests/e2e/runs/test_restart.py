"""Down and up keep what users have; a push starts exactly one run."""

from pathlib import Path

import pytest

from cadence.cli.client.client import Client
from cadence.local.demo.demonstration import PIPELINE, PROJECT, demonstrate, demonstration_client
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


AFTER_LONG = {"run": "true", "after": ["long"]}


def test_pipelines_runs_logs_and_values_survive_down_and_up(tmp_path: Path) -> None:
    said: list[str] = []
    first, supervisor = control.up(StackOptions(tmp_path, port=0), said.append)
    try:
        client = Client(first.url, first.token)
        client.put_pipeline("hello", HELLO)
        run_id = client.run_pipeline("hello")
        lines = list(client.all_logs(run_id, follow=True))
        before = client.run(run_id)
        assert before["state"] == "succeeded"
        control.down(tmp_path, said.append)
        second, again = control.up(StackOptions(tmp_path, port=0), said.append)
        assert second.token == first.token, "a token that a user has copied works no longer"
        client = Client(second.url, second.token)
        assert client.run(run_id) == before
        assert list(client.all_logs(run_id)) == lines
        assert [line["text"] for line in lines] == ["Hello after all"]
        assert client.pipeline("hello")["version"] == 1
        sha256 = client.trace(run_id, "greet.greeting")["origin"]["value"]["sha256"]
        assert b"".join(client.read_value(run_id, sha256)) == b"Hello after all\n"
        rerun = client.run_pipeline("hello")
        list(client.all_logs(rerun, follow=True))
        assert client.run(rerun)["state"] == "succeeded"
    finally:
        control.down(tmp_path, said.append)
        for process in (supervisor, again):
            assert process is not None
            assert process.wait(120) == 0


def test_a_run_that_the_stack_stopped_with_ends_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    options = StackOptions(tmp_path, port=0)
    first, supervisor = control.up(options, said.append)
    try:
        run_id = Api(first.url, first.token).start(
            {"cadence": 1, "name": "long", "treatments": {"long": {"run": "sleep 600"}, "later": AFTER_LONG}}
        )
        Api(first.url, first.token).until(run_id, lambda run: states(run).get("long") == "running")
        control.down(tmp_path, said.append)
        second, again = control.up(options, said.append)
        run = Api(second.url, second.token).finished(run_id)
        assert run["state"] == "failed"
        assert _says_stopped(run["cause"])
        assert states(run)["long"] == "lost"
        assert states(run)["later"] in {"skipped", "cancelled"}, (
            "which of the two depends on what the watchdog sees first"
        )
        assert _says_stopped(next(t["cause"] for t in run["treatments"] if t["name"] == "long"))
    finally:
        control.down(tmp_path, said.append)
        for process in (supervisor, again):
            assert process is not None
            assert process.wait(120) == 0


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
