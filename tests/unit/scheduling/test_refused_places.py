"""A place says no: the treatment goes on elsewhere, and says why in that place's own words."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.application.placement.reconcile_launch import FailedLaunch
from cadence.domain.placement import placing
from cadence.domain.placement.back_off import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from cadence.domain.placement.placing import ANY_OFFER
from cadence.domain.placement.pool import Placement, Pool
from cadence.domain.placement.pool_policy import InstanceOffer, Policy
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.scheduling.machine_step import NextState
from cadence.domain.shared.errors import NotReady, ProviderRejected, RunnerLost
from tests.unit.scheduling.setting import RUN, Setting, spec

DEAD = "cluster.example: Name or service not known"
FORBIDDEN = "AuthFailure: AWS was not able to validate the provided access credentials"
NEAR, FAR = (
    Pool(organization="acme", name="near", provider="here"),
    Pool(organization="acme", name="far", provider="there"),
)


@pytest.fixture
def clouds(setting: Setting) -> Setting:
    setting.pools.pools = (NEAR, FAR)
    setting.admitted(spec("build", pools=("near", "far")), spec("other", pools=("near", "far")))
    return setting


def asked(clouds: Setting, placement: Placement, state: RunnerState = RunnerState.BOOTING) -> Runner:
    """The runner that a launch has made."""
    runner = Runner(
        runner_id=placement.runner_id, run_id=RUN, treatment="build", attempt=1, organization="acme", project="site", pool=placement.pool, provider=placement.provider, state=state,
        created_at=clouds.clock.now, task_token="launch", placed_at=placement.decided_at,
    )  # fmt: skip
    return clouds.runners.put_runner(runner)


def shown(clouds: Setting) -> dict[str, placing.Considered]:
    return {one.pool: one for one in placing.decode(clouds.treatment("build").placement)}


@pytest.mark.parametrize("error", ["Transient", "NotReady", "Lambda.Unknown", "Sandbox.Timedout"])
def test_a_place_that_does_not_answer_is_followed_by_the_next(clouds: Setting, error: str) -> None:
    first = clouds.place("build")
    asked(clouds, first)
    assert first.pool == "near"
    assert clouds.place("build", first, error, DEAD).pool == "far"
    assert clouds.treatment("build").pool == "far"
    assert shown(clouds)["near"] == placing.Considered(
        "near",
        True,
        f"number 1 of the pipeline's list, refused at 00:00:00 UTC: {DEAD}, refused this attempt: {DEAD}",
    )
    # Nobody else has to find that out.
    assert clouds.place("other").pool == "far"
    clouds.clock.advance(FIRST_PAUSE)
    assert clouds.place("other").pool == "near"


@pytest.mark.parametrize("error", ["ProviderRejected", "InternalError"])
def test_a_place_that_refuses_for_good_is_followed_by_the_next(clouds: Setting, error: str) -> None:
    placement = clouds.place("build", clouds.place("build"), error, FORBIDDEN)
    assert placement.pool == "far"
    assert not shown(clouds)["near"].fits
    assert FORBIDDEN in shown(clouds)["near"].reason


def test_only_when_every_place_has_refused_for_good_the_treatment_fails_with_their_words(clouds: Setting) -> None:
    second = clouds.place("build", clouds.place("build"), "ProviderRejected", FORBIDDEN)
    with pytest.raises(ProviderRejected) as refusal:
        clouds.place("build", second, "ProviderRejected", "InvalidAMIID.NotFound: ami-1")
    words = f"no pool takes build: near: {FORBIDDEN}; far: InvalidAMIID.NotFound: ami-1"
    assert refusal.value.message == words
    assert "InvalidAMIID" in shown(clouds)["far"].reason
    assert clouds.failed_with("build", "ProviderRejected", words) == "done"
    assert (clouds.state("build"), clouds.treatment("build").cause) == (TreatmentState.FAILED, words)


def test_what_has_no_room_is_asked_again_and_what_refused_for_good_is_not(clouds: Setting) -> None:
    second = clouds.place("build", clouds.place("build"), "ProviderRejected", FORBIDDEN)
    for pause in (15, 30, 60, 60):
        with pytest.raises(NotReady):
            clouds.place("build", second, "CapacityExhausted", "InsufficientInstanceCapacity")
        waits = clouds.treatment("build").waiting_for or ""
        assert f"after {pause} s" in waits and "InsufficientInstanceCapacity" in waits and FORBIDDEN in waits
        clouds.clock.advance(timedelta(seconds=pause))
        second = clouds.place("build", second, "CapacityExhausted", "InsufficientInstanceCapacity")
        assert second.pool == "far"
        assert clouds.treatment("build").waiting_for == placing.boot_wait("far", 120)


def test_a_place_alone_that_does_not_answer_is_waited_for_in_its_own_words(setting: Setting) -> None:
    setting.pools.pools = (NEAR,)
    setting.admitted(spec("build"))
    first = setting.place("build")
    runner = asked(setting, first)
    with pytest.raises(NotReady):
        setting.place("build", first, "Transient", DEAD)
    assert DEAD in (setting.treatment("build").waiting_for or "")
    # Nothing is known to boot: however long this takes, nobody takes it for a boot without end.
    setting.clock.advance(timedelta(seconds=runner.boot_deadline + 1))
    setting.watchdog.runner(runner.runner_id)
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.OFFERED
    again = setting.place("build", first, "Transient", DEAD)
    assert (again.pool, again.runner_id, again.rounds) == ("near", first.runner_id, 1)


def test_a_machine_that_was_made_all_the_same_is_let_in_and_waited_for(clouds: Setting) -> None:
    first = clouds.place("build")
    runner = asked(clouds, first)
    clouds.runners.change_runner(runner.runner_id, {RunnerState.BOOTING}, state=RunnerState.CLAIMED)
    clouds.beginning.mark(runner, clouds.runs.get_spec(RUN, "build"))
    clouds.placing.place(RUN, "build", 1, "placed again", _refused(first))
    assert clouds.machines.answers == {}
    assert clouds.runners.get_runner(runner.runner_id).task_token == "placed again"
    assert (clouds.treatment("build").pool, clouds.state("build")) == ("near", TreatmentState.RUNNING)


def test_a_machine_that_is_done_already_is_settled(clouds: Setting) -> None:
    first = clouds.place("build")
    runner = asked(clouds, first)
    clouds.runners.change_runner(runner.runner_id, {RunnerState.BOOTING}, state=RunnerState.CLAIMED)
    clouds.beginning.mark(runner, clouds.runs.get_spec(RUN, "build"))
    clouds.complete("build")
    clouds.placing.place(RUN, "build", 1, "placed again", _refused(first))
    answer = clouds.machines.answers["placed again"]
    assert isinstance(answer, dict)
    assert (answer["next"], answer["function"], answer["runner_id"]) == (
        NextState.SETTLE,
        "provider-here",
        runner.runner_id,
    )


def test_a_runner_that_is_lost_goes_nowhere_else(clouds: Setting) -> None:
    first = clouds.place("build")
    asked(clouds, first, RunnerState.LOST)
    with pytest.raises(RunnerLost):
        clouds.place("build", first, "Transient", DEAD)


def test_placing_again_after_it_went_on_elsewhere_takes_nothing_back(clouds: Setting) -> None:
    first = clouds.place("build")
    asked(clouds, dataclasses.replace(first, pool="far", provider="there"))
    clouds.place("build", first, "Transient", DEAD)
    assert clouds.runners.get_runner(first.runner_id).state is RunnerState.BOOTING


def test_a_refusal_counts_once_for_all_who_asked_before_it_was_known(clouds: Setting) -> None:
    mine, others = clouds.place("build"), clouds.place("other")
    clouds.clock.advance(timedelta(seconds=1))
    for _ in range(2):
        clouds.place("build", mine, "Transient", DEAD)
    clouds.place("other", others, "Transient", "later words")
    (known,) = clouds.refusals.of_pool("acme", "near")
    assert (known.offer, known.times, known.reason) == (ANY_OFFER, 1, DEAD)
    clouds.clock.advance(FIRST_PAUSE)
    again = clouds.place("other")
    assert (again.pool, again.overcomes) == ("near", (ANY_OFFER,))
    clouds.clock.advance(timedelta(seconds=1))
    clouds.place("other", again, "Transient", DEAD)
    (known,) = clouds.refusals.of_pool("acme", "near")
    assert (known.times, known.until - known.at) == (2, 2 * FIRST_PAUSE)


def test_no_room_for_an_offer_sends_only_those_elsewhere_who_need_it(setting: Setting) -> None:
    offers = (InstanceOffer(name="small", cpu=2000, memory=4096), InstanceOffer(name="big", cpu=8000, memory=32768))
    setting.pools.pools = (dataclasses.replace(NEAR, policy=Policy(offers=offers)), FAR)
    listed = {"pools": ("near", "far")}
    setting.admitted(
        spec("build", cpu=8000, **listed), spec("big", cpu=4000, **listed), spec("small", cpu=1000, **listed)
    )
    setting.clock.advance(timedelta(seconds=1))
    first = setting.place("build")
    setting.clock.advance(timedelta(seconds=1))
    setting.place("build", first, "CapacityExhausted", "no big ones")
    assert [one.offer for one in setting.refusals.of_pool("acme", "near")] == ["big"]
    assert (setting.place("big").pool, setting.place("small").pool) == ("far", "near")


def test_a_decision_survives_its_way_through_the_machine(clouds: Setting) -> None:
    placement = clouds.place("build", clouds.place("build"), "ProviderRejected", FORBIDDEN)
    assert placement.refusals and placement.offers
    assert Placement.from_json(placement.as_json()) == placement


def test_a_pause_is_twice_as_long_each_time() -> None:
    assert [pause_after(times) for times in (1, 2, 3)] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pause_after(100) == LONGEST_PAUSE


def _refused(placement: Placement) -> FailedLaunch:
    return FailedLaunch(placement, MachineError("Transient", DEAD))
