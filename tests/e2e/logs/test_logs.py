"""What treatments print is kept: every line, once, in order, while they run and afterwards."""

import os
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from typing import Any

import pytest

from tests.e2e.api import FINAL, Api, states
from tests.e2e.processes import agents_of
from tests.waiting import eventually

pytestmark = pytest.mark.slow

LINES = 7_000
NAMES = ("left", "middle", "right")


def test_twenty_thousand_lines_arrive_once_and_in_order(api: Api) -> None:
    needle = f"needle-{uuid.uuid4().hex}"
    # The first line tells that it runs; the rest comes in bursts, so that followers see it grow.
    command = f"echo {{name}} 0; for n in $(seq 1 {LINES - 1}); do echo {{name}} $n; [ $((n % 1750)) != 0 ] || sleep 0.3; done"
    treatments = {name: {"run": command.format(name=name)} for name in NAMES}
    treatments["middle"]["run"] += f"; echo 'one {needle} (once)'"
    run_id = api.start({"cadence": 1, "name": "talkative", "treatments": treatments})

    with ThreadPoolExecutor(2) as threads:
        followers = [threads.submit(followed, api, run_id, **limits) for limits in ({}, {"limit": 777})]
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    kept = api.lines(run_id)
    for lines in (kept, *(follower.result() for follower in followers)):
        for name in NAMES:
            said = [line["text"] for line in lines if line["treatment"] == name and line["stream"] == "stdout"]
            assert [text for text in said if "needle" not in text] == [f"{name} {n}" for n in range(LINES)]
    assert [line["seq"] for line in kept if line["gap"]] == []
    found = api.get("/v1/logs", q=f"{needle} (once)")
    assert [(line["run"], line["treatment"]) for line in found["lines"]] == [(run_id, "middle")]
    assert api.get("/v1/logs", q=f"{needle} (twice)")["lines"] == []
    assert len(api.lines(run_id, treatment="left", grep="^left 699[0-9]$")) == 10


def followed(api: Api, run_id: str, **limits: int) -> list[dict[str, Any]]:
    """What a client sees that asks again and again for what is new, until the run has ended."""
    lines: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    ended = False
    while True:
        page = api.get(f"/v1/runs/{run_id}/logs", wait=0 if ended else 2, **limits, **after)
        lines += page["lines"]
        after = {"after": page["after"]} if page["after"] else {}
        if not page["more"] and ended:
            return lines
        ended = ended or api.run(run_id)["state"] in FINAL


def test_what_a_killed_agent_had_sent_is_kept(api: Api) -> None:
    document = {
        "cadence": 1,
        "name": "killed",
        "treatments": {"talk": {"run": "n=0; while true; do echo line $n; n=$((n + 1)); sleep 0.01; done"}},
    }
    document["treatments"]["talk"]["retry"] = {"infrastructure": 0}  # type: ignore[index]
    run_id = api.start(document)
    sent = eventually(lambda: printed(api, run_id))
    agents = agents_of(run_id)
    assert agents and sent
    for process in agents:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    run = api.finished(run_id)

    assert run["state"] == "failed"
    assert states(run) == {"talk": "lost"}
    assert "talk" in run["cause"]
    kept = printed(api, run_id)
    assert kept[: len(sent)] == sent
    assert kept == [f"line {n}" for n in range(len(kept))]
    assert [key for key, _ in groupby(kept)] == kept


def printed(api: Api, run_id: str) -> list[str]:
    return [line["text"] for line in api.lines(run_id, treatment="talk") if line["stream"] == "stdout"]
