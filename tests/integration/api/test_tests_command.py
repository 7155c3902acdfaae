"""`cadence tests`: what it prints of a run and of a branch."""

import json

from tests.integration.api.test_cli import cadence, server
from tests.integration.api.test_run_tests import LATER, Reported, report, reported

__all__ = ["cadence", "reported", "server"]


def test_the_tests_of_a_run_are_printed(cadence, reported: Reported) -> None:
    reported.executed(report(a="passed", b="no"))
    run_id = reported.executed(report(a="broken", b="no", sleepy="late"), event=LATER)["treatments"][0]["run_id"]

    printed = cadence("tests", run_id)
    assert printed.exit_code == 0, printed.stderr
    assert "3 tests: 0 passed, 3 failed (1 new, 1 in quarantine)" in printed.stdout
    assert "failed  t::a  (test)  new failure  t.py:1\n    broken\n" in printed.stdout
    assert "t::sleepy  (test)  in quarantine" in printed.stdout
    assert "t::a" not in cadence("tests", run_id, "--outcome", "skipped").stdout
    slowest = cadence("tests", run_id, "--slowest", "2").stdout.splitlines()
    assert [line.split()[-1] for line in slowest if "::" in line] == ["t::sleepy", "t::b"]
    assert json.loads(cadence("tests", run_id, "--json").stdout)["counts"]["new"] == 1


def test_the_newest_results_of_a_branch_are_printed(cadence, reported: Reported) -> None:
    reported.executed(report(a="passed"))
    reported.executed(report(a="no"))

    printed = cadence("tests", "--pipeline", "tests", "--branch", "main", "--repository", "r-1")
    assert printed.exit_code == 0, printed.stderr
    assert "1 test: 0 passed, 1 failed (1 known as flaky)" in printed.stdout
    assert "flaky tests" in printed.stdout and "t::a" in printed.stdout
    assert "No results" in cadence("tests", "--pipeline", "other").stdout


def test_wrong_use_is_told(cadence, reported: Reported) -> None:
    assert cadence("tests").exit_code == 2
    assert cadence("tests", "@last", "--pipeline", "tests").exit_code == 2
    run_id = reported.run()
    assert "No treatment of this run has reported tests" in cadence("tests", run_id).stdout


def test_a_failed_treatment_is_shown_with_its_first_new_failures(cadence, reported: Reported) -> None:
    reported.executed(report(a="passed", b="no"))
    run_id = reported.executed(report(a="broken", b="no"), event=LATER)["treatments"][0]["run_id"]

    shown = cadence("show", run_id, "test").stdout
    assert f"new failures (1)    all: cadence tests {run_id} --treatment test\n    t::a  t.py:1\n" in shown
    assert "t::b" not in shown.partition("new failures")[2].partition("\n\n")[0]
