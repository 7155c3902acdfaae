"""The runner that is offered to hosts: written anew as long as nothing has begun it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict
from tests.integration.runners.conftest import RUN_ID, World


def runner(world: World, **fields: object) -> Runner:
    made = Runner(
        runner_id=ids.runner_id(RUN_ID, "make", 1), run_id=RUN_ID, treatment="make", attempt=1, organization="default", project="default", pool="local", provider="host",
        state=RunnerState.OFFERED, created_at=world.clock(), task_token="place-token",
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_what_is_offered_still_is_written_anew_with_the_new_token(world: World) -> None:
    world.runners.offer_runner(runner(world))
    assert world.runners.get_runner(runner(world).runner_id) == runner(world)
    world.clock.pass_time(5)
    again = runner(world, task_token="again")
    world.runners.offer_runner(again)
    assert world.runners.get_runner(again.runner_id) == again
    assert (again.task_token, again.created_at) == ("again", world.clock())


def test_what_found_no_room_elsewhere_is_offered_here(world: World) -> None:
    world.runners.put_runner(runner(world, pool="cloud", provider="ec2", state=RunnerState.BOOTING))
    world.runners.offer_runner(runner(world))
    assert world.runners.get_runner(runner(world).runner_id).pool == "local"


@pytest.mark.parametrize(
    "fields",
    [{"state": RunnerState.BOOTING}, {"state": RunnerState.CLAIMED}, {"state": RunnerState.LOST}, {"cancel_reason": "no"}],
)  # fmt: skip
def test_what_has_moved_on_is_left_as_it_is(world: World, fields: dict[str, object]) -> None:
    known = runner(world, created_at=world.clock() - timedelta(seconds=1), **fields)
    world.runners.put_runner(known)
    with pytest.raises(Conflict, match="runner "):
        world.runners.offer_runner(runner(world))
    assert world.runners.get_runner(known.runner_id) == known
