"""The table of a run's treatments, as `cadence show` and `cadence run` print it."""

from typing import Any

from cadence.cli.runs.follow_run import treatment_table
from cadence.cli.shared.output import run_state


def treatment(name: str, state: str, cause: str | None = None, waiting_for: str | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "cause": cause,
        "waiting_for": waiting_for,
        "started_at": None,
        "finished_at": None,
    }


def test_a_cause_that_several_treatments_share_is_printed_once() -> None:
    run = {
        "treatments": [
            treatment("build", "succeeded"),
            treatment("test:a", "failed", "the command ended with exit code 1"),
            treatment("test:b", "failed", "the command ended with exit code 1"),
            treatment("deploy", "skipped", "test did not succeed"),
            treatment("report", "skipped", "test did not succeed"),
            treatment("sign", "pending", waiting_for="an approval"),
        ],
    }

    assert list(treatment_table(run, "01a").columns[3].cells) == [
        "",
        "the command ended with exit code 1",
        "the same as test:a",
        "test did not succeed",
        "the same as deploy",
        "waits for an approval",
    ]


def test_failures_that_do_not_fail_the_run_are_marked() -> None:
    soft = {**treatment("lint", "failed", cause="found 3"), "soft_failed": True}

    assert [str(cell) for cell in treatment_table({"treatments": [soft]}, "01a").columns[1].cells] == ["failed (soft)"]
    assert [run_state({"state": "succeeded", "soft_failures": count}).plain for count in (0, 1, 2)] == [
        "succeeded",
        "succeeded (1 soft failure)",
        "succeeded (2 soft failures)",
    ]
    assert run_state({"state": "failed"}).plain == "failed"
