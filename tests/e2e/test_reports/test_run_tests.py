"""Test reports on the whole stack: from a command that writes JUnit XML to what is said of its failures."""

from pathlib import Path
from typing import Any

from tests.e2e.api import Api
from tests.waiting import last_look

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "patterns" / "test-report.yaml"


def reported_tests(api: Api, run_id: str) -> Any:
    """The run's tests, once its report was read."""
    return last_look(
        lambda: api.get(f"/v1/runs/{run_id}/tests"), lambda found: bool(found["treatments"]), 300, pause=0.2
    )


def test_failures_are_compared_with_the_run_before(api: Api) -> None:
    first = api.start(EXAMPLE.read_text())
    assert api.finished(first)["state"] == "failed"
    before = reported_tests(api, first)
    counts = before["counts"]
    assert (counts["total"], counts["failed"], counts["quarantined"]) == (3, 2, 1)
    assert [(case["name"], case["message"]) for case in before["items"]] == [
        ("tests.sums::overflows", "expected 1, got 2"),
        ("tests.clock::is_on_time", "3 ms late"),
    ]

    broken = EXAMPLE.read_text().replace('name="adds" time="0.02"/>', 'name="adds"><error/></testcase>')
    second = api.start(broken)
    assert api.finished(second)["state"] == "failed"
    after = reported_tests(api, second)
    assert after["treatments"][0]["base_run"] == first
    assert {case["name"]: case["new"] for case in after["items"]} == {
        "tests.sums::adds": True,
        "tests.sums::overflows": False,
        "tests.clock::is_on_time": False,
    }
