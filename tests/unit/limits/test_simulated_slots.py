"""A run over pools with one slot each, whatever is interrupted, repeated or late: all treatments get their turn."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.limits.concurrency_limit import LaneKey
from cadence.domain.pipelines.specification import RetrySpec, TreatmentSpec
from cadence.domain.placement.pool import Pool
from tests.unit.scheduling.simulation.agent import FAILING, LOSING, MAX_DURATION, SUCCEEDING
from tests.unit.scheduling.simulation.world import RUN, Faults, World

POOLS = (
    Pool(organization="acme", name="near", provider="here", boot_deadline=120, max_runners=1),
    Pool(organization="acme", name="far", provider="here", boot_deadline=120, max_runners=1),
)


def play(seed: int, faults: Faults, cancel_after: int | None = None) -> World:
    random = Random(seed)
    names = [f"t{number}" for number in range(random.randint(2, 7))]
    specs = [
        TreatmentSpec(
            name=name,
            run="true",
            max_duration=MAX_DURATION,
            retry=RetrySpec(infrastructure=random.randint(0, 2), failure=random.choice((0, 1))),
            priority=random.choice((0, 0, 5)),
        )
        for name in names
    ]
    words = SUCCEEDING * 3 + FAILING + LOSING
    scripts = {name: [*random.choices(words, k=4), "succeeds"] for name in names}
    world = World(specs, scripts, random, faults, pools=POOLS)
    world.play(cancel_after)
    return world


def check(world: World) -> None:
    assert all(treatment.state.final for treatment in world.runs.list_treatments(RUN))
    for scope, concurrency_limit in world.concurrency_limits.concurrency_limits.items():
        assert world.concurrency_limits.waiting(scope, 10) == [], scope
        assert concurrency_limit.lanes == dict[LaneKey, object]()
        assert concurrency_limit.room >= 0


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_all_get_their_turn_though_processes_end_at_any_step(seed: int) -> None:
    check(play(seed, Faults(crash=0.05, twice=0.1)))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_a_cancelled_run_leaves_nobody_waiting(seed: int, after: int) -> None:
    world = play(seed, Faults(crash=0.05, twice=0.1), after)
    assert all(treatment.state.final for treatment in world.runs.list_treatments(RUN))
