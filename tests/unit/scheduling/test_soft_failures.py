"""Failures that do not fail their run (`soft_fail`): of treatments, of instances, by exit code."""

import pytest

from cadence.domain.pipelines.specification import SoftFailSpec
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.edge import Trigger, edges_of
from cadence.domain.runs.soft_failures import soft_failed
from cadence.domain.runs.states import RunState, TreatmentState
from tests.unit.scheduling.setting import RUN, Setting, on, spec
from tests.unit.scheduling.test_groups import matrix

S = TreatmentState
SOFT = SoftFailSpec()


@pytest.mark.parametrize(
    ("allowed", "state", "exit_code", "expected"),
    [
        (None, S.FAILED, 1, False),
        (SOFT, S.FAILED, 1, True),
        (SOFT, S.TIMED_OUT, None, True),
        (SOFT, S.LOST, None, True),
        (SOFT, S.CANCELLED, None, False),
        (SOFT, S.SKIPPED, None, False),
        (SOFT, S.SUCCEEDED, 0, False),
        (SoftFailSpec((4, 5)), S.FAILED, 5, True),
        (SoftFailSpec((4, 5)), S.FAILED, 1, False),
        (SoftFailSpec((4, 5)), S.FAILED, None, False),
        (SoftFailSpec((4, 5)), S.TIMED_OUT, None, False),
    ],
)
def test_which_ends_fail_softly(
    allowed: SoftFailSpec | None, state: TreatmentState, exit_code: int | None, expected: bool
) -> None:
    assert soft_failed(allowed, state, exit_code) is expected


def test_only_the_order_after_a_treatment_with_soft_fail_is_kept_by_another_trigger() -> None:
    specs = [
        spec("lint", soft_fail=SOFT),
        spec("build"),
        spec("after-lint", after=("lint", "build")),
        spec("done", on("lint", "completed")),
        spec("reads", on("lint", "out")),
    ]

    assert {(edge.producer, edge.consumer): edge.trigger for edge in edges_of(RUN, specs)} == {
        ("lint", "after-lint"): Trigger.PASSED,
        ("build", "after-lint"): Trigger.COMPLETED,
        ("lint", "done"): Trigger.PASSED,
        ("lint", "reads"): Trigger.COMPLETED,
    }


def test_the_run_succeeds_and_counts_it(setting: Setting) -> None:
    setting.admitted(
        spec("lint", soft_fail=SOFT),
        spec("after-lint", after=("lint",), outputs=()),
        spec("reads", on("lint", "out"), outputs=()),
        spec("after-reads", after=("reads",), outputs=()),
    )
    setting.done("lint", RunnerOutcome.FAILED)

    assert (setting.treatment("lint").state, setting.treatment("lint").soft_failed) == (S.FAILED, True)
    assert setting.state("after-lint") is S.READY
    assert setting.state("reads") is setting.state("after-reads") is S.SKIPPED
    setting.done("after-lint")
    ended = setting.finalise.finalise(RUN)
    assert (ended.state, ended.cause, ended.soft_failures) == (RunState.SUCCEEDED, None, 1)


def test_another_failure_gives_the_cause_and_the_soft_one_is_counted_apart(setting: Setting) -> None:
    setting.admitted(spec("lint", soft_fail=SOFT), spec("test"))
    setting.done("lint", RunnerOutcome.FAILED, "lint says no")
    setting.done("test", RunnerOutcome.FAILED, "test says no")

    ended = setting.finalise.finalise(RUN)
    assert (ended.state, ended.cause, ended.soft_failures) == (RunState.FAILED, "test failed: test says no", 1)


def test_an_instance_that_fails_softly_ends_no_other(setting: Setting) -> None:
    _, hard, group, after = matrix("a", "b", soft_fail=SOFT)
    setting.admitted(spec("m:a", group="m", outputs=(), soft_fail=SOFT), hard, group, after)
    setting.done("m:a", RunnerOutcome.FAILED)

    assert setting.wake_ups.asked == []
    setting.done("m:b")
    setting.act.control(RUN, "m", "m-1")
    assert (setting.treatment("m").state, setting.treatment("m").soft_failed) == (S.FAILED, True)
    assert setting.state("after") is S.READY
    setting.done("after")
    ended = setting.finalise.finalise(RUN)
    assert (ended.state, ended.soft_failures) == (RunState.SUCCEEDED, 1)


def test_a_group_fails_as_soon_as_one_instance_does(setting: Setting) -> None:
    _, hard, group, after = matrix("a", "b", soft_fail=SOFT, fail_fast=False)
    setting.admitted(spec("m:a", group="m", outputs=(), soft_fail=SOFT), hard, group, after)
    setting.done("m:a", RunnerOutcome.FAILED, "soft")
    setting.done("m:b", RunnerOutcome.FAILED, "hard")
    setting.act.control(RUN, "m", "m-1")

    assert (setting.treatment("m").state, setting.treatment("m").soft_failed) == (S.FAILED, False)
    assert setting.state("after") is S.SKIPPED
    ended = setting.finalise.finalise(RUN)
    assert (ended.state, ended.cause, ended.soft_failures) == (RunState.FAILED, "m:b failed: hard", 1)
