"""Graphs of hundreds of treatments, in peace and while runners are killed."""

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack
from tests.e2e.graphs import layered
from tests.e2e.processes import agents_of, command_lines

pytestmark = pytest.mark.slow

LAYERS, WIDTH = 11, 18  # with source and sink: 200 treatments


def test_every_treatment_of_200_runs_exactly_once(api: Api) -> None:
    command = 'echo "ran $CADENCE_TREATMENT"'

    run = api.finished(api.start(layered(LAYERS, WIDTH, command)), within=300)

    assert run["state"] == "succeeded", run["cause"]
    assert Counter(states(run).values()) == {"succeeded": LAYERS * WIDTH + 2}
    assert {treatment["attempt"] for treatment in run["treatments"]} == {1}
    printed = Counter(
        line["text"] for line in api.lines(run["run_id"], LAYERS * WIDTH + 2) if line["stream"] == "stdout"
    )
    assert printed == {f"ran {name}": 1 for name in states(run)}


def test_all_succeed_while_a_third_of_the_runners_are_killed(api: Api, stack: Stack) -> None:
    layers, width = 6, 12
    document = layered(layers, width, "sleep 0.5; echo done > $CADENCE_OUT_result", retry={"infrastructure": 3})
    for treatment in document["treatments"].values():
        treatment["outputs"] = {"result": "Block<string>"}
    seed = random.randrange(10**6)
    print(f"seed {seed}")

    run_id = api.start(document)
    with Killer(run_id, stack.paths.host / "work", share=1 / 3, seed=seed) as killer:
        run = api.finished(run_id, within=600)

    assert killer.killed, "no runner was killed: the test has shown nothing"
    assert run["state"] == "succeeded", run["cause"]
    assert Counter(states(run).values()) == {"succeeded": layers * width + 2}
    assert sum(treatment["attempt"] - 1 for treatment in run["treatments"]) >= len(killer.killed) * 0.9
    for treatment in run["treatments"]:
        detail = api.get(f"/v1/runs/{run_id}/treatments/{treatment['name']}")
        results = [runner for runner in detail["runners"] if runner["state"] in {"completed", "released"}]
        assert len(detail["outputs"]) == 1
        assert detail["outputs"][0]["value"] is not None
        assert len({runner["attempt"] for runner in results}) == len(results)
    assert not [words for words in command_lines().values() if run_id in words]


class Killer:
    """Kills each runner of a run, once, with probability `share`, and never one that retries would not outlive.

    It looks for processes only while there are folders in `workspaces` whose runner it has not seen.
    """

    def __init__(self, run_id: str, workspaces: Path, share: float, seed: int) -> None:
        self.run_id, self.workspaces, self.share = run_id, workspaces, share
        self.killed: list[str] = []
        self._random = random.Random(seed)
        self._seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hunt)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _hunt(self) -> None:
        while not self._stop.wait(0.1):
            if not self._runners() - self._seen:
                continue
            for process, runner_id in agents_of(self.run_id).items():
                if runner_id in self._seen:
                    continue
                self._seen.add(runner_id)
                attempt = int(runner_id.rsplit("-", 1)[1])
                if attempt <= 3 and self._random.random() < self.share:
                    with suppress(ProcessLookupError):  # it ended by itself meanwhile
                        os.kill(process, signal.SIGKILL)
                        self.killed.append(runner_id)

    def _runners(self) -> set[str]:
        """The runners of the run that have a workspace, which is named after them."""
        found = self.workspaces.glob(f"cadence-{self.run_id}-*")
        return {folder.name.removeprefix("cadence-").rpartition("-")[0] for folder in found}
