"""The examples of patterns, run on the real stack: those that need nothing but a shell."""

import base64
from pathlib import Path

import pytest

from tests.e2e.api import Api

PATTERNS = Path(__file__).parents[3] / "examples" / "patterns"


@pytest.mark.parametrize(
    ("name", "output", "expected"),
    [
        ("each-item", "add/outputs/total", "14"),
        ("matrix-summary", "summary/outputs/count", "4"),
        ("library", "show/outputs/shown", "1 2 3 a b"),
        ("nightly-data", "summarise/outputs/total", "42"),
    ],
    ids=["each-item", "matrix-summary", "library", "nightly-data"],
)
def test_an_example_gives_what_it_says(api: Api, name: str, output: str, expected: str) -> None:
    run_id = api.start((PATTERNS / f"{name}.yaml").read_text())
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    content = api.get(f"/v1/runs/{run_id}/treatments/{output}")["content_base64"]
    assert base64.b64decode(content).decode().strip() == expected


def test_an_example_reacts_to_a_failure(api: Api) -> None:
    run_id = api.start((PATTERNS / "react-to-failure.yaml").read_text(), **{"break": True})
    states = {treatment["name"]: treatment["state"] for treatment in api.finished(run_id)["treatments"]}
    assert states == {"build": "failed", "alarm": "succeeded", "tidy": "succeeded"}
    well = api.finished(api.start((PATTERNS / "react-to-failure.yaml").read_text()))
    states = {treatment["name"]: treatment["state"] for treatment in well["treatments"]}
    assert states == {"build": "succeeded", "alarm": "skipped", "tidy": "succeeded"}
