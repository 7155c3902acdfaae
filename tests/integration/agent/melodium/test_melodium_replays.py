"""One treatment of a captured run of the real engine once more: the same values in, and what comes out compared."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.programs import dump
from tests.e2e.engine import BINARY, PROGRAMS, detailed, needs_engine
from tests.integration.agent.conftest import AGENT_PYTHON

pytestmark = [pytest.mark.engine, needs_engine]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the events of a run, and with the program's dump."""
    folder = tmp_path_factory.mktemp("capture")
    script = PROGRAMS / "captured.mel"
    env = {"HOME": str(folder), "MELODIUM_HOME": str(folder), "NO_COLOR": "1", "PATH": os.environ["PATH"]}
    argv = [str(BINARY), "run", "--debug", str(folder / "events.json"), *detailed(), str(script)]
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (folder / "program.json").write_text(json.dumps(dump.dump(str(BINARY), script, "main", folder)))
    return folder


def replayed(agent: Path, capture: Path, label: str) -> tuple[int, Any]:
    argv = [AGENT_PYTHON, str(agent), "replay-captured", str(capture / "events.json"), str(capture / "program.json")]
    env = {**os.environ, "CADENCE_MELODIUM": str(BINARY)}
    done = subprocess.run([*argv, label], env=env, capture_output=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()


def test_the_same_values_come_out_again(agent: Path, capture: Path) -> None:
    status, comparison = replayed(agent, capture, "steady")
    assert (status, comparison["deterministic"], comparison["first"]) == (0, True, None), comparison
    assert comparison["inputs"] == {"value": 2}
    assert comparison["outputs"] == {"result": {"then": 2, "now": 2, "equal": True}}


def test_a_generic_treatment_is_replayed_with_what_its_types_were(agent: Path, capture: Path) -> None:
    status, comparison = replayed(agent, capture, "main/counted")
    assert (status, comparison["outputs"]) == (0, {"count": {"then": 2, "now": 2, "equal": True}}), comparison


def test_what_throws_dice_differs_at_the_first_value(agent: Path, capture: Path) -> None:
    status, comparison = replayed(agent, capture, "dice")
    assert (status, comparison["deterministic"]) == (1, False)
    first = comparison["first"]
    assert (first["output"], first["index"]) == ("result", 0)
    assert first["then"] != first["now"]
    assert next(iter(first["then"])) == next(iter(first["now"])) == "option"


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("opaque", "a process/exec::Executor exists only inside of its engine"),
        ("main", "main is made of others, which can be replayed each: "),
        ("nothing", "there is no treatment nothing; there are "),
    ],
)
def test_what_cannot_be_restored_is_refused_with_the_reason(agent: Path, capture: Path, label: str, why: str) -> None:
    status, comparison = replayed(agent, capture, label)
    assert status == 3
    assert why in comparison
