"""Treatments inside of programs that real engines reported, once more: here, and in a pool."""

import json
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import Engine, Ids, needs_engine

pytestmark = [pytest.mark.engine, needs_engine]


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


@pytest.fixture(scope="module")
def reported(engine: Engine, api: Api) -> dict[str, str]:
    """Ids of runs that were reported to their end, by program."""
    found = {}
    for program in ("captured", "counting"):
        ids = Ids()
        engine.run(f"{program}.mel", ids)
        assert api.finished(ids.run)["state"] == "succeeded"
        found[program] = ids.run
    return found


def replayed(cadence: Cadence, run_id: str, treatment: str, *how: str, status: int = 0) -> Any:
    return json.loads(cadence("replay", run_id, treatment, "--json", *how, status=status).stdout)


@pytest.mark.parametrize(
    ("program", "treatment", "port"),
    [
        ("captured", "main/steady", "result"),  # data types, a model with its parameters
        ("captured", "main/counted", "count"),  # generic
        ("counting", "main/numbers/emitNumber", "emit"),  # 128 bits as a parameter, begun by a source
        ("counting", "main/numbers/sink/count", "count"),
        ("counting", "main/words/fill", "filled"),  # a stream, of which one reader takes all
    ],
)
def test_the_same_values_come_out_here_and_in_a_pool(
    cadence: Cadence, reported: dict[str, str], program: str, treatment: str, port: str
) -> None:
    for how in (["--here"], []):
        found = replayed(cadence, reported[program], treatment, *how)
        (output,) = (each for each in found["outputs"] if each["port"] == port)
        assert output["equal"] and output["then"]["sha256"] == output["now"]["sha256"], found
        assert (output["then"]["size"] > 0, found["verdict"]) == (True, "deterministic"), found


def test_a_replay_in_a_pool_is_a_run_with_one_treatment(cadence: Cadence, api: Api, reported: dict[str, str]) -> None:
    found = replayed(cadence, reported["captured"], "main/counted")
    run = api.get(f"/v1/runs/{found['replay']['run_id']}")
    assert run["replay_of"] == {"run_id": reported["captured"], "treatment": "main/counted"}
    ran = {each["name"]: (each["state"], each["pool"]) for each in run["treatments"]}
    # What is inside of an engine is called otherwise where it is scheduled.
    assert ran == {"main.counted": ("succeeded", "local"), "main.each": ("succeeded", None)}
    assert found["treatment"] == "main/counted"
    listed = api.get(f"/v1/runs/{reported['captured']}/treatments/main%2Fcounted/replays")["items"]
    assert found["replay"]["run_id"] in [each["run_id"] for each in listed]


def test_what_throws_dice_differs_and_it_is_said_where(cadence: Cadence, reported: dict[str, str]) -> None:
    for how in (["--here"], []):
        found = replayed(cadence, reported["captured"], "main/dice", *how, status=1)
        (output,) = found["outputs"]
        place = output["first_difference"]
        assert (found["verdict"], output["port"], place["line"]) == ("differs", "result", 1), found
        assert found["first"].startswith("output result differs first in line 1")
        assert place["then"] != place["now"]


@pytest.mark.parametrize(
    ("program", "treatment", "why"),
    [
        ("captured", "main/opaque", "a process/exec::Executor exists only inside of its engine"),
        ("captured", "main/startup", "is made of others, which can be replayed each: main/startup/ready"),
        ("captured", "main/startup/ready", "began its track"),
    ],
)
def test_what_cannot_be_restored_is_refused_before_anything_starts(
    cadence: Cadence, api: Api, reported: dict[str, str], program: str, treatment: str, why: str
) -> None:
    before = api.get("/v1/runs")["items"][0]["run_id"]
    for how in (["--here"], []):
        assert why in cadence("replay", reported[program], treatment, *how, status=1).stderr
    path = treatment.replace("/", "%2F")
    assert api.call("POST", f"/v1/runs/{reported[program]}/treatments/{path}/replay", json={}).status_code == 409
    assert api.get("/v1/runs")["items"][0]["run_id"] == before
