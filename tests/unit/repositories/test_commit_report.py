"""What a code host shows about a commit."""

from dataclasses import replace
from datetime import timedelta

from cadence.domain.repositories.commit_check import checks
from cadence.domain.repositories.commit_report import (
    LONGEST_DESCRIPTION,
    CommitState,
    comment,
    newest_runs,
    pull_request_number,
    reasons,
    statuses,
)
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.test_reports.case import CaseCounts
from cadence.domain.test_reports.report import AttemptReport, CaseName, TreatmentReport
from tests.fakes.runs import NOW, a_run

URL = "https://ci.example"


def run(run_id: str = "01a", state: RunState = RunState.PENDING, kind: str = "push", cause: str = "") -> Run:
    return replace(
        a_run(run_id),
        state=state,
        cause=cause or None,
        event={"kind": kind, "number": 7},
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=75) if state.final else None,
    )


def treatment(name: str, state: TreatmentState, cause: str = "", exit_code: int | None = None) -> Treatment:
    return Treatment(run_id="01a", name=name, state=state, waiting=0, cause=cause or None, exit_code=exit_code)


def test_every_state_of_a_run_has_a_status() -> None:
    states = {state: statuses(newest_runs([run(state=state)]), URL)[0].state for state in RunState}

    assert states == {
        RunState.PENDING: CommitState.PENDING,
        RunState.RUNNING: CommitState.RUNNING,
        RunState.CANCELLING: CommitState.RUNNING,
        RunState.SUCCEEDED: CommitState.SUCCESS,
        RunState.FAILED: CommitState.FAILURE,
        RunState.TIMED_OUT: CommitState.FAILURE,
        RunState.CANCELLED: CommitState.CANCELLED,
    }


def test_the_newest_run_of_a_pipeline_decides_whatever_the_order() -> None:
    old, new = run("01a", RunState.FAILED), run("01b", RunState.SUCCEEDED)

    assert statuses(newest_runs([new, old]), URL) == statuses(newest_runs([old, new]), URL)
    (status,) = statuses(newest_runs([new, old]), URL)
    assert (status.context, status.state, status.target_url) == (
        "cadence/build",
        CommitState.SUCCESS,
        f"{URL}/ui/runs/01b",
    )
    assert status.description == "The run succeeded in 1 min 15 s"


def test_a_push_and_a_pull_request_have_statuses_of_their_own() -> None:
    newest = newest_runs([run("01a"), run("01b", kind="pull_request")])

    assert list(newest) == ["cadence/build", "cadence/build (pull request)"]
    assert pull_request_number(newest) == 7
    assert pull_request_number(newest_runs([run("01a")])) is None


def test_a_description_is_one_line_that_code_hosts_accept() -> None:
    (status,) = statuses(newest_runs([run(state=RunState.FAILED, cause="It failed.\n" * 100)]), URL)

    assert len(status.description) == LONGEST_DESCRIPTION and "\n" not in status.description


def test_a_comment_names_what_failed_and_why() -> None:
    newest = newest_runs([run(state=RunState.FAILED, kind="pull_request", cause="2 of 3 treatments failed")])
    failed = [
        treatment("test", TreatmentState.FAILED, "a line with ``` in it\nand another", 2),
        treatment("lint", TreatmentState.TIMED_OUT),
        treatment("build", TreatmentState.SUCCEEDED),
    ]

    made = comment(7, "r-1", "c0ffee" * 7, newest, {"01a": failed}, URL)

    assert made.body.startswith(made.marker) and "r-1" in made.marker
    assert "- `test` failed with exit code 2\n  ````text\n  a line with ``` in it\n  and another\n  ````" in made.body
    assert "- `lint` timed out" in made.body
    assert "`build`" not in made.body


def test_a_comment_about_a_run_that_never_began_has_its_cause() -> None:
    newest = newest_runs([run(state=RunState.FAILED, kind="pull_request", cause=".cadence/ci.yaml:3:1: no such pool")])

    assert ".cadence/ci.yaml:3:1: no such pool" in comment(7, "r-1", "c" * 40, newest, {}, URL).body


def reports(base: str | None = "01z", failed: int = 4, **names: list[CaseName]) -> list[TreatmentReport]:
    counts = CaseCounts(total=120, passed=116, failed=failed, new=2, known_flaky=1, quarantined=1)
    attempt = AttemptReport(attempt=1, counts=counts if failed else CaseCounts(total=120, passed=120))
    return [TreatmentReport(run_id="01a", treatment="test", attempts=[attempt], base_run=base, **names)]


def test_a_comment_names_new_failures_of_tests_with_their_places() -> None:
    newest = newest_runs([run(state=RunState.FAILED, kind="pull_request")])
    found = reports(
        new_failures=[CaseName(name="a::b", file="t/a.py", line=3), CaseName(name="c`d`\n@all")],
        flaky_failures=[CaseName(name="e::f")],
    )

    body = comment(7, "r-1", "c" * 40, newest, {}, URL, {"01a": found}).body

    assert "**4 of 120 tests failed**: 2 new failures, 1 known as flaky, 1 in quarantine\n" in body
    assert "- new: `a::b` (`t/a.py:3`)\n- new: `c'd' @all`\n- flaky: `e::f`\n" in body


def test_a_comment_says_that_there_is_nothing_to_compare_failures_with() -> None:
    newest = newest_runs([run(state=RunState.FAILED, kind="pull_request")])

    body = comment(7, "r-1", "c" * 40, newest, {}, URL, {"01a": reports(base=None)}).body
    assert "no earlier results to compare with" in body
    assert "tests failed" not in comment(7, "r-1", "c" * 40, newest, {}, URL, {"01a": reports(failed=0)}).body


def test_a_comment_lists_the_first_tests_only() -> None:
    newest = newest_runs([run(state=RunState.FAILED, kind="pull_request")])
    many = reports(new_failures=[CaseName(name=f"t::{number}") for number in range(12)])

    body = comment(7, "r-1", "c" * 40, newest, {}, URL, {"01a": many}).body
    assert "`t::9`" in body and "`t::10`" not in body and "- and 2 more new ones" in body


def test_a_succeeded_run_names_its_soft_failures() -> None:
    soft = replace(run(state=RunState.SUCCEEDED, kind="pull_request"), soft_failures=1)
    lint = replace(treatment("lint", TreatmentState.FAILED, "found 3", 1), soft_failed=True)

    (status,) = statuses(newest_runs([soft]), URL)
    assert (status.state, status.description) == (
        CommitState.SUCCESS,
        "The run succeeded in 1 min 15 s, with 1 soft failure",
    )
    body = comment(7, "r-1", "a" * 40, newest_runs([soft]), {"01a": [lint]}, URL).body
    assert "✅ succeeded, 1 soft failure |" in body
    assert "### build (pull request) succeeded, with 1 soft failure" in body
    assert "- `lint` failed with exit code 1 (does not fail the run)" in body
    (check,) = checks(newest_runs([soft]), {"01a": [lint]}, {}, URL)
    assert check.annotations == ()
    assert "- `lint` failed with exit code 1 (does not fail the run)" in check.summary


def test_summaries_follow_as_far_as_there_is_room_for_them() -> None:
    ended = run(state=RunState.FAILED, kind="pull_request")
    written = {"01a": [JobSummary("01a", "cover", 1, "**90 %** <b>"), JobSummary("01a", "long", 1, "x" * 30_000)]}

    body = comment(7, "r-1", "a" * 40, newest_runs([ended]), {}, URL, summaries=written).body
    assert "### Summaries of build (pull request)\n\n#### `cover`\n\n**90 %** <\u2060b>\n" in body
    assert body.endswith("1 summary is too long for this place: see the run.\n")
    (check,) = checks(newest_runs([ended]), {}, {}, URL, written)
    assert check.text.startswith("#### `cover`\n\n**90 %**")
    assert "x" * 30_000 in check.text
    (without,) = checks(newest_runs([ended]), {}, {}, URL)
    assert (without.text, without.digest == check.digest) == ("", False)


def test_what_fails_the_run_comes_before_soft_failures() -> None:
    failed = replace(run(state=RunState.FAILED), soft_failures=1)
    lint = replace(treatment("a-lint", TreatmentState.FAILED, "", 1), soft_failed=True)
    test = treatment("test", TreatmentState.FAILED, "", 1)

    assert reasons(failed, [lint, test]) == [
        "- `test` failed with exit code 1",
        "- `a-lint` failed with exit code 1 (does not fail the run)",
    ]
