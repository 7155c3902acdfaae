"""Runs of one concurrency group: one after another, the newest only, or the first only."""

from itertools import pairwise
from typing import Any

from tests.e2e.api import Api
from tests.e2e.conftest import Stack


def member(policy: str, command: str) -> dict[str, Any]:
    group = {"group": f"e2e-{policy}", "policy": policy}
    return {"cadence": 1, "name": "member", "concurrency": group, "treatments": {"t": {"run": command}}}


def running(api: Api, run_id: str) -> dict[str, Any]:
    return api.until(run_id, lambda run: run["treatments"] and run["treatments"][0]["state"] == "running")


def test_queued_runs_go_one_after_another_in_their_order(stack: Stack, api: Api) -> None:
    flag = stack.folder / "queue-may-move"
    wait = f"while [ ! -e {flag} ]; do sleep 0.1; done"
    started = [api.start(member("queue", wait)) for _ in range(3)]
    running(api, started[0])
    assert [api.run(run_id)["state"] for run_id in started[1:]] == ["pending", "pending"]
    flag.touch()

    ended = [api.finished(run_id) for run_id in started]

    assert [run["state"] for run in ended] == ["succeeded"] * 3
    for before, after in pairwise(ended):
        assert before["finished_at"] <= after["started_at"]


def test_the_newest_cancels_those_before_it(api: Api) -> None:
    first = api.start(member("cancel-running", "sleep 600"))
    running(api, first)

    newest = api.start(member("cancel-running", "true"))

    assert api.finished(first)["state"] == "cancelled"
    assert api.finished(newest)["state"] == "succeeded"


def test_what_comes_to_a_taken_group_is_dropped_and_says_by_which_run(stack: Stack, api: Api) -> None:
    flag = stack.folder / "drop-may-end"
    first = api.start(member("drop", f"while [ ! -e {flag} ]; do sleep 0.1; done"))
    running(api, first)

    dropped = api.finished(api.start(member("drop", "true")))

    assert dropped["state"] == "cancelled"
    assert first in dropped["cause"]
    flag.touch()
    assert api.finished(first)["state"] == "succeeded"
