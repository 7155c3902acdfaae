"""The minute: one of many builds failed; it is found, understood, and followed back to where the wrong value arose.

docs/finding-a-failure.md shows the same with four hundred builds.
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Stack

NIGHTLY = Path(__file__).parent / "nightly.yaml"
BUILDS, WRONG = 24, 23
GIVEN = b'{"name": "component-23", "jobs": "8O", "system": "debian"}'

Cadence = Callable[..., str]


@pytest.fixture(scope="module")
def cadence(stack: Stack) -> Cadence:
    def call(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cadence")), *words],
            cwd=stack.folder, env={**os.environ, "COLUMNS": "160"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return call


@pytest.fixture(scope="module")
def run_id(api: Api) -> str:
    run_id = api.start(NIGHTLY.read_text(), components=BUILDS, wrong=WRONG)
    assert api.finished(run_id)["state"] == "failed"
    return run_id


def test_the_line_leads_to_the_treatment_that_printed_it(api: Api, cadence: Cadence, run_id: str) -> None:
    api.lines(run_id, treatment=f"build:{WRONG}", expected=8)
    found = json.loads(cadence("search", "invalid literal", "--json"))["lines"]
    assert [line["treatment"] for line in found if line["run"] == run_id] == [f"build:{WRONG}"]


def test_the_treatment_says_why_it_failed_and_what_it_was_given(cadence: Cadence, run_id: str) -> None:
    shown = cadence("show", run_id, f"build:{WRONG}")
    first = shown.splitlines()
    assert first[0].startswith(f"treatment build:{WRONG}  failed · exit code 1")
    why = shown[: shown.index("\nlast lines")]
    assert "ValueError: invalid literal for int() with base 10: '8O'" in why
    assert re.search(r"▶ build\.py:8 +main +jobs = int\(component\[\"jobs\"\]\)", why)
    given = shown[shown.index("\ninputs\n") : shown.index("\nhistory\n")]
    assert f"element {WRONG} (from 0) of plan.components" in given
    assert '"jobs": "8O"' in given


def test_the_exact_bytes_that_it_was_given_are_there(api: Api, cadence: Cadence, run_id: str) -> None:
    piece = api.get(f"/v1/runs/{run_id}/treatments/build:{WRONG}/inputs/component")
    assert base64.b64decode(piece["content_base64"]) == GIVEN
    assert cadence("value", "download", run_id, f"build:{WRONG}.component", "--input") == GIVEN.decode()


def test_the_instances_stand_side_by_side_with_the_failed_one_first(cadence: Cadence, run_id: str) -> None:
    shown = cadence("show", run_id, "build")
    assert f"1 of {BUILDS} failed." in shown
    table = shown[shown.index("INSTANCE") :].splitlines()
    assert re.search(rf"\b{WRONG}\s+failed\s+1\b", table[1]), table[1]
    assert "component-23" in table[1]


def test_the_wrong_value_is_followed_back_to_where_it_arose(api: Api, cadence: Cadence, run_id: str) -> None:
    offset = cadence("value", "download", run_id, "plan.components").encode().index(b"8O")
    traced = cadence("trace", run_id, f"plan.components@{offset}")
    for treatment in ("plan", "normalise", "catalogue"):
        assert treatment in traced
    entries = cadence("value", "download", run_id, "catalogue.entries")
    assert entries.splitlines()[WRONG] == "component-23;8O;debian"
    runners = {one["runner_id"] for one in api.get("/v1/runners", run=run_id)["items"]}
    # Builds that had no runner yet when the wrong one failed were cancelled with their group.
    cancelled = [one for one in api.get(f"/v1/runs/{run_id}")["treatments"] if one["state"] == "cancelled"]
    assert BUILDS + 3 - len(cancelled) <= len(runners) <= BUILDS + 3


def test_it_is_replayed_here_with_the_same_end(cadence: Cadence, run_id: str) -> None:
    assert cadence("replay", run_id, f"build:{WRONG}", "--here").startswith("deterministic: the same end")


def test_an_alert_would_have_caught_it(cadence: Cadence, run_id: str, tmp_path: Path) -> None:
    rule = tmp_path / "bad-number.yaml"
    rule.write_text(
        "when:\n  log: {query: '\"invalid literal\"'}\ncount: 1\nwindow: 300\ngroup_by: [pipeline]\nchannels: [ops]\n"
    )
    told = json.loads(cadence("alert", "rule", "dry-run", str(rule), "--since", "1h", "--json"))
    assert any("nightly" in json.dumps(one) for one in told["alerts"]), told


def test_history_and_resources_are_there_without_asking_twice(api: Api, run_id: str) -> None:
    told: dict[str, Any] = api.get(f"/v1/runs/{run_id}/treatments/plan")
    states = [change["state"] for change in told["history"]]
    assert states == ["pending", "ready", "booting", "running", "succeeded"]
    assert all(told["times"][part] is not None for part in ("waited", "queued", "booted", "ran"))
    limits = api.get(f"/v1/runs/{run_id}/treatments/build:3/resources")["limits"]
    assert limits["memory"] == 256_000_000
