"""What the command line prints of a treatment that waits, or waited, for an approval."""

from types import SimpleNamespace
from typing import Any

import pytest

from cadence.cli.insight.approval_lines import approval_seconds
from cadence.cli.runs.follow_run import follow_run, treatment_table
from tests.unit.runs.test_treatment_table import treatment

POOL = {"pool": "local"}
READY = treatment("deploy", "ready") | POOL
WAITING = treatment("deploy", "ready", waiting_for="2 approvals for environment production") | POOL
ENDED = treatment("deploy", "succeeded") | POOL


def test_following_a_run_names_the_command_that_approves(capsys: pytest.CaptureFixture[str]) -> None:
    states = iter(
        [
            {"run_id": "01a", "state": "running", "treatments": [READY], "waiting_for": None},
            {"run_id": "01a", "state": "running", "treatments": [WAITING], "waiting_for": None},
            {"run_id": "01a", "state": "running", "treatments": [WAITING], "waiting_for": None},
            {"run_id": "01a", "state": "succeeded", "treatments": [ENDED], "waiting_for": None},
        ]
    )
    page: dict[str, Any] = {"lines": [], "after": None, "more": False}
    client: Any = SimpleNamespace(run=lambda _: next(states), logs=lambda *_, **__: page)

    follow_run(client, "01a")

    assert capsys.readouterr().out.splitlines() == [
        "deploy: ready",
        "deploy: ready, waits for 2 approvals for environment production: cadence approve 01a deploy",
        "deploy: succeeded",
    ]


def test_following_a_run_says_what_it_waits_for_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    registry = "the registry x.io to answer for the image x.io/a:1"
    states = iter(
        [
            {"run_id": "01a", "state": "running", "treatments": [], "waiting_for": registry},
            {"run_id": "01a", "state": "running", "treatments": [], "waiting_for": registry},
            {"run_id": "01a", "state": "succeeded", "treatments": [ENDED], "waiting_for": None},
        ]
    )
    page: dict[str, Any] = {"lines": [], "after": None, "more": False}
    client: Any = SimpleNamespace(run=lambda _: next(states), logs=lambda *_, **__: page)

    follow_run(client, "01a")

    waits = "The run waits for the registry x.io to answer for the image x.io/a:1."
    assert capsys.readouterr().out.splitlines() == [waits, "deploy: succeeded"]


def test_following_a_run_prints_a_shared_cause_once(capsys: pytest.CaptureFixture[str]) -> None:
    failed = [treatment(name, "failed", cause="no image") | POOL for name in ("a", "b")]
    client: Any = SimpleNamespace(
        run=lambda _: {"run_id": "01a", "state": "failed", "treatments": failed, "waiting_for": None},
        logs=lambda *_, **__: {"lines": [], "after": None, "more": False},
    )

    follow_run(client, "01a")

    assert capsys.readouterr().out.splitlines() == ["a: failed (no image)", "b: failed (the same as a)"]


def test_the_table_of_a_run_names_the_command_too() -> None:
    (cell,) = treatment_table({"treatments": [WAITING], "waiting_for": None}, "01a").columns[3].cells
    assert cell == "waits for 2 approvals for environment production: cadence approve 01a deploy"


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 90.0),
        ({"attempt": 2}, None),
        ({"approval": None}, None),
        ({"times": {"queued": 80.0}}, 80.0),
        ({"finished_at": "2026-12-01T12:01:00+00:00", "approval": {"asked_at": "2026-12-01T12:00:00Z", "decisions": []}}, 60),
    ],
    ids=["approved", "repeated", "not asked", "never longer than the queue", "never decided"],
)  # fmt: skip
def test_the_time_of_an_approval_is_a_part_of_the_time_in_the_queue(
    changes: dict[str, Any], seconds: float | None
) -> None:
    decisions = [{"at": "2026-12-01T12:00:10Z"}, {"at": "2026-12-01T12:01:30Z"}]
    approved = {
        **treatment("deploy", "succeeded"),
        "attempt": 1,
        "times": {"queued": 95.0},
        "approval": {"asked_at": "2026-12-01T12:00:00Z", "decisions": decisions},
    }
    assert approval_seconds({**approved, **changes}) == seconds
