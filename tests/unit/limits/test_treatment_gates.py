"""What holds a treatment back beside its inputs: slots for runners, and approvals."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.domain.limits.approval import ApprovalVerdict, Approver
from cadence.domain.limits.environment_set import ApprovalRule, EnvironmentSet
from cadence.domain.limits.quotas import Quotas
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import Cancelled, Conflict, Forbidden, MustWait, NotApproved
from tests.unit.scheduling.setting import RUN, Setting, spec

SMALL = Pool(organization="acme", name="small", provider="host", max_runners=1)
OTHER = Pool(organization="acme", name="other", provider="host", max_runners=1)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def waits(setting: Setting, name: str) -> str:
    """Placed in vain; its machine waits from then on."""
    with pytest.raises(MustWait):
        setting.place(name)
    setting.gates.wait(RUN, name, f"turn-{name}-{setting.treatment(name).attempt}")
    return setting.treatment(name).waiting_for or ""


def told(setting: Setting, name: str, attempt: int = 1) -> bool:
    return f"turn-{name}-{attempt}" in setting.machines.answers


def approved(setting: Setting, **fields: object) -> None:
    setting.environments.environments["production"] = EnvironmentSet(
        name="production",
        approvals=ApprovalRule(**fields),  # type: ignore[arg-type]
    )
    setting.admitted(spec("t", environment="production"))


def decide(setting: Setting, verdict: ApprovalVerdict, who: str, comment: str = "") -> None:
    approver = Approver.of_token(f"id-{who}", who)
    setting.approvals.decide(setting.runs.get_run(RUN), "t", verdict, approver, who, comment)


# slots


def test_without_limits_nothing_is_written_or_asked(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.done("a")
    assert setting.concurrency_limits.concurrency_limits == {}
    assert setting.treatment("a").concurrency_limits == ()


def test_a_treatment_waits_for_a_slot_and_is_told_when_it_is_free(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"), spec("c"))
    setting.running("a")
    assert waits(setting, "b") == "a runner of pool small (position 1)"
    assert waits(setting, "c") == "a runner of pool small (position 2)"
    assert setting.state("b") is TreatmentState.READY
    setting.complete("a")
    setting.settle("a", 1, None)
    assert (told(setting, "b"), told(setting, "c")) == (True, False)
    setting.done("b")
    assert setting.treatment("b").waiting_for is None
    assert told(setting, "c")
    setting.done("c")
    assert setting.concurrency_limits.places == {}


def test_who_lost_its_place_to_a_late_repetition_asks_once_more(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    with pytest.raises(MustWait):
        setting.place("b")
    # An earlier call of the step, which ends late, gives up what it knew of.
    setting.slots.release(setting.treatment("b"))
    setting.gates.wait(RUN, "b", "turn-b-1")
    assert told(setting, "b")


def test_a_slot_that_came_free_before_the_machine_waited_is_not_missed(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    with pytest.raises(MustWait):
        setting.place("b")
    setting.complete("a")
    setting.settle("a", 1, None)
    setting.gates.wait(RUN, "b", "turn-b-1")
    assert told(setting, "b")


def test_the_next_pool_with_a_slot_is_taken_first(setting: Setting) -> None:
    setting.pools.pools = (SMALL, OTHER)
    setting.admitted(spec("a"), spec("b"), spec("c"))
    setting.running("a")
    assert setting.place("b").pool == "other"
    assert waits(setting, "c") == "a runner of pool small (position 1)"
    setting.runs.advance(RUN, "b", 1, {TreatmentState.BOOTING}, TreatmentState.BOOTING)
    setting.settle("b", 1, None)
    assert told(setting, "c")
    assert setting.place("c").pool == "other"
    assert [scope for scope, _ in setting.concurrency_limits.places] == ["POOL#acme#small", "POOL#acme#other"]


def test_the_organizations_slot_comes_first(setting: Setting) -> None:
    setting.quotas.quotas = Quotas(max_runners=1)
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    assert waits(setting, "b") == "one of the 1 runners of organization acme (position 1)"
    setting.complete("a")
    setting.settle("a", 1, None)
    assert told(setting, "b")
    setting.done("b")
    assert setting.concurrency_limits.places == {}


def test_every_attempt_takes_its_own_turn(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a", retry=dataclasses.replace(spec("x").retry, failure=1)), spec("b"))
    setting.running("a")
    waits(setting, "b")
    setting.complete("a", RunnerOutcome.FAILED)
    assert setting.settle("a", 1) == "retry"
    assert told(setting, "b")
    waits(setting, "a")
    setting.done("b")
    assert told(setting, "a", 2)
    setting.done("a")
    assert setting.concurrency_limits.places == {}


def test_a_stopped_run_leaves_its_places(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    waits(setting, "b")
    setting.cancel()
    setting.stop()
    assert setting.state("b") is TreatmentState.CANCELLED
    assert isinstance(setting.machines.answers["turn-b-1"], Cancelled)
    setting.failed_with("a", "Cancelled")
    assert setting.concurrency_limits.places == {}


def test_a_wait_of_a_stopped_run_ends_at_once(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    with pytest.raises(MustWait):
        setting.place("b")
    setting.cancel()
    with pytest.raises(Cancelled):
        setting.gates.wait(RUN, "b", "turn-b-1")


def test_an_attempt_that_ended_unseen_is_put_out(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    waits(setting, "b")
    setting.runs.settle(setting.treatment("a"), TreatmentState.LOST, "gone", None, setting.clock.now)
    setting.clock.advance(timedelta(minutes=2))
    setting.watchdog.concurrency_limit("POOL#acme#small")
    assert told(setting, "b")


def test_a_pool_without_room_gives_its_slot_back(setting: Setting) -> None:
    setting.pools.pools = (SMALL, OTHER)
    setting.admitted(spec("a"))
    refused = setting.place("a")
    assert setting.place("a", refused).pool == "other"
    assert [scope for scope, _ in setting.concurrency_limits.places] == ["POOL#acme#other"]


def test_nobody_keeps_a_slot_without_room_while_waiting_for_another(setting: Setting) -> None:
    setting.pools.pools = (SMALL, OTHER)
    setting.admitted(spec("a"), spec("b"))
    of_a = setting.place("a")
    of_b = setting.place("b")
    assert (of_a.pool, of_b.pool) == ("small", "other")
    with pytest.raises(MustWait):
        setting.place("a", of_a)  # small had no room, other is taken
    assert setting.place("b", of_b).pool == "small"
    setting.gates.wait(RUN, "a", "turn-a-1")
    assert told(setting, "a")


def test_a_wait_for_another_pool_is_not_taken_for_a_leak(setting: Setting) -> None:
    setting.pools.pools = (SMALL, OTHER)
    setting.admitted(spec("a"), spec("b"))
    of_a = setting.place("a")
    setting.place("b")
    with pytest.raises(MustWait):
        setting.place("a", of_a)
    setting.clock.advance(timedelta(minutes=2))
    setting.watchdog.concurrency_limit("POOL#acme#other")
    setting.gates.wait(RUN, "a", "turn-a-1")
    setting.settle("b", 1, None)
    assert told(setting, "a")


def test_the_priority_of_the_run_counts(setting: Setting) -> None:
    setting.pools.pools = (SMALL,)
    setting.admitted(spec("a"), spec("b"), spec("c", priority=7))
    setting.running("a")
    waits(setting, "b")
    waits(setting, "c")
    setting.complete("a")
    setting.settle("a", 1, None)
    assert (told(setting, "b"), told(setting, "c")) == (False, True)


# approvals


def test_an_approval_lets_the_treatment_start(setting: Setting) -> None:
    approved(setting)
    assert waits(setting, "t") == "approval for environment production"
    decide(setting, ApprovalVerdict.APPROVE, "bob", "looks good")
    assert told(setting, "t")
    assert setting.done("t") == "done"
    assert setting.state("t") is TreatmentState.SUCCEEDED


def test_a_refusal_fails_the_treatment_with_its_reason(setting: Setting) -> None:
    approved(setting)
    waits(setting, "t")
    decide(setting, ApprovalVerdict.REFUSE, "bob", "not on a Friday")
    with pytest.raises(NotApproved, match="environment production: refused by bob: not on a Friday") as refused:
        setting.place("t")
    setting.settle("t", None, None)
    assert refused.value.code == "not_approved"


def test_a_refused_treatment_is_settled_as_failed(setting: Setting) -> None:
    approved(setting)
    waits(setting, "t")
    setting.failed_with("t", "NotApproved", "environment production: refused by bob")
    assert setting.state("t") is TreatmentState.FAILED
    assert setting.treatment("t").cause == "environment production: refused by bob"


def test_two_approvals_are_two_approvers(setting: Setting) -> None:
    approved(setting, required=2)
    assert waits(setting, "t") == "2 approvals for environment production"
    decide(setting, ApprovalVerdict.APPROVE, "bob")
    decide(setting, ApprovalVerdict.APPROVE, "bob")
    assert not told(setting, "t")
    with pytest.raises(Conflict, match="bob has decided already"):
        decide(setting, ApprovalVerdict.REFUSE, "bob")
    decide(setting, ApprovalVerdict.APPROVE, "carol")
    assert told(setting, "t")


def test_only_those_named_approve(setting: Setting) -> None:
    approved(setting, approvers=("carol",))
    waits(setting, "t")
    with pytest.raises(Forbidden, match="only by: carol"):
        decide(setting, ApprovalVerdict.APPROVE, "bob")
    decide(setting, ApprovalVerdict.APPROVE, "carol")
    assert told(setting, "t")


def test_who_started_the_run_does_not_approve_it(setting: Setting) -> None:
    approved(setting, not_by_starter=True)
    setting.runs.runs[RUN] = dataclasses.replace(setting.runs.get_run(RUN), created_by="bob")
    waits(setting, "t")
    with pytest.raises(Forbidden, match="cannot be approved by the user who started the run"):
        decide(setting, ApprovalVerdict.APPROVE, "bob")
    decide(setting, ApprovalVerdict.REFUSE, "bob")
    assert told(setting, "t")


def test_an_approval_that_does_not_come_is_ended_by_the_watchdog(setting: Setting) -> None:
    approved(setting, timeout=100)
    waits(setting, "t")
    setting.clock.advance(timedelta(seconds=50))
    setting.watchdog.approval(RUN, "t")
    assert not told(setting, "t")
    setting.clock.advance(timedelta(seconds=51))
    setting.watchdog.approval(RUN, "t")
    assert told(setting, "t")
    with pytest.raises(Conflict, match="no longer waits for an approval"):
        decide(setting, ApprovalVerdict.APPROVE, "bob")
    with pytest.raises(NotApproved, match="not approved within 100 s"):
        setting.place("t")


def test_a_decision_whose_caller_died_is_carried_out_by_the_watchdog(setting: Setting) -> None:
    approved(setting)
    waits(setting, "t")
    setting.runs.treatments[RUN, "t"] = dataclasses.replace(setting.treatment("t"), turn_token=None)
    decide(setting, ApprovalVerdict.APPROVE, "bob")
    setting.gates.wait(RUN, "t", "turn-t-1")
    assert told(setting, "t")


def test_nothing_is_decided_that_was_not_asked(setting: Setting) -> None:
    setting.admitted(spec("t"))
    with pytest.raises(Conflict, match="does not wait for an approval"):
        decide(setting, ApprovalVerdict.APPROVE, "bob")


def test_an_environment_without_approvals_asks_nobody(setting: Setting) -> None:
    setting.environments.environments["staging"] = EnvironmentSet(name="staging")
    setting.admitted(spec("t", environment="staging"))
    assert setting.place("t").pool == "near"


def test_a_deleted_environment_lets_nothing_through(setting: Setting) -> None:
    setting.admitted(spec("t", environment="gone"))
    with pytest.raises(NotApproved, match="no environment gone any more"):
        setting.place("t")


def test_a_cancelled_run_waits_for_no_approval(setting: Setting) -> None:
    approved(setting)
    waits(setting, "t")
    setting.cancel()
    setting.stop()
    assert setting.state("t") is TreatmentState.CANCELLED
    assert isinstance(setting.machines.answers["turn-t-1"], Cancelled)
    with pytest.raises(Conflict):
        decide(setting, ApprovalVerdict.APPROVE, "bob")
    assert setting.runs.get_run(RUN).stop_requested is RunState.CANCELLED
