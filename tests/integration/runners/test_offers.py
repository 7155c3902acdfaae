"""Offering a runner to hosts is one transaction over two tables."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cadence.adapters.dynamodb.runners.offers import DynamoOffers
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict
from tests.integration.runners.conftest import RUN_ID, World


@pytest.fixture
def offers(world: World) -> DynamoOffers:
    return DynamoOffers("runs", "runners")


def runner(world: World, **fields: object) -> Runner:
    made = Runner(
        runner_id=ids.runner_id(RUN_ID, "make", 1), run_id=RUN_ID, treatment="make", attempt=1, organization="default", project="default", pool="local", provider="host",
        state=RunnerState.OFFERED, created_at=world.clock(), task_token="place-token",
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_treatment_runner_and_offer_are_there_at_once(world: World, offers: DynamoOffers) -> None:
    world.move("make", TreatmentState.READY)
    offered = runner(world)
    offers.offer(offered, {"waiting_for": None})
    treatment = world.runs.get_treatment(RUN_ID, "make")
    assert (treatment.state, treatment.pool, treatment.placed_at) == (TreatmentState.BOOTING, "local", world.clock())
    assert world.runners.get_runner(offered.runner_id) == offered
    assert world.hosts.list_offers("default", "local", 10) == [offered.as_offer]


@pytest.mark.parametrize("state", [TreatmentState.CANCELLED, TreatmentState.RUNNING, TreatmentState.SKIPPED])
def test_nothing_is_offered_for_what_is_not_to_be_placed(
    world: World, offers: DynamoOffers, state: TreatmentState
) -> None:
    world.move("make", state)
    with pytest.raises(Conflict):
        offers.offer(runner(world), {"waiting_for": None})
    assert world.hosts.list_offers("default", "local", 10) == []
    assert "place-token" not in world.items("runners")


def test_another_attempt_s_runner_is_not_offered(world: World, offers: DynamoOffers) -> None:
    world.move("make", TreatmentState.PLACING, attempt=2)
    with pytest.raises(Conflict):
        offers.offer(runner(world), {"waiting_for": None})


def test_what_is_offered_still_is_offered_again_with_the_new_token(world: World, offers: DynamoOffers) -> None:
    offers.offer(runner(world), {"waiting_for": None})
    world.clock.pass_time(5)
    offers.offer(runner(world, task_token="again"), {"waiting_for": None})
    kept = world.runners.get_runner(runner(world).runner_id)
    assert (kept.task_token, kept.created_at) == ("again", world.clock())


def test_what_found_no_room_elsewhere_is_offered_here(world: World, offers: DynamoOffers) -> None:
    world.runners.put_runner(runner(world, pool="cloud", provider="ec2", state=RunnerState.BOOTING))
    offers.offer(runner(world), {"waiting_for": None})
    assert world.runners.get_runner(runner(world).runner_id).pool == "local"


@pytest.mark.parametrize(
    "fields",
    [{"state": RunnerState.BOOTING}, {"state": RunnerState.CLAIMED}, {"state": RunnerState.LOST}, {"cancel_reason": "no"}],
)  # fmt: skip
def test_what_has_moved_on_is_left_as_it_is(world: World, offers: DynamoOffers, fields: dict[str, object]) -> None:
    known = runner(world, created_at=world.clock() - timedelta(seconds=1), **fields)
    world.runners.put_runner(known)
    with pytest.raises(Conflict):
        offers.offer(runner(world), {"waiting_for": None})
    assert world.runners.get_runner(known.runner_id) == known
    assert world.hosts.list_offers("default", "local", 10) == []
