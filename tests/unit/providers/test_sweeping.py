"""Which machines nobody wants, and how they are ended."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.application.placement.budgets import Budgets, Charge
from cadence.application.placement.ports import SweepResult, SweptPool
from cadence.application.placement.sweep_pools import SweepPools
from cadence.domain.placement.pool import Pool
from cadence.domain.placement.pool_policy import Budget, Policy, WarmWindow
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import CapacityExhausted, Transient
from cadence.providers.contract import Machine, MachineCondition
from cadence.providers.sweeping import Sweep, orphaned
from tests.fakes.cloud import MemoryCloud
from tests.fakes.ledger import MemoryLedger
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.services import ManualClock, MemoryPools

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def runner(state: RunnerState, **fields: Any) -> Runner:
    return Runner(
        runner_id="r-1",
        run_id="run",
        treatment="build",
        attempt=1,
        organization="acme",
        project="site",
        pool="near",
        provider="fake",
        state=state,
        created_at=NOW - HOUR,
        **fields,
    )


def machine(**fields: Any) -> Machine:
    return dataclasses.replace(
        Machine(
            ref="m-1",
            runner_id="r-1",
            condition=MachineCondition.RUNNING,
            created_at=NOW - HOUR,
            expires_at=NOW + HOUR,
            price_per_hour=0.1,
        ),
        **fields,
    )


@pytest.mark.parametrize("state", [state for state in RunnerState if state.live])
def test_no_machine_of_a_live_runner_is_ever_an_orphan(state: RunnerState) -> None:
    for one in (machine(), machine(ref="second"), machine(created_at=None), machine(expires_at=NOW - HOUR)):
        assert orphaned(one, runner(state, ref="m-1"), "near", NOW) is None


@pytest.mark.parametrize(
    ("one", "known", "why"),
    [
        (machine(), runner(RunnerState.LOST), "is lost"),
        (machine(), runner(RunnerState.RELEASED), "is released"),
        (machine(), runner(RunnerState.COMPLETED), "is completed"),
        (machine(), None, "there is no record of runner r-1"),
        (machine(), dataclasses.replace(runner(RunnerState.CLAIMED), pool="far"), "went on in pool far"),
        (machine(runner_id="", expires_at=NOW), None, "its time ended"),
        (machine(created_at=None), runner(RunnerState.LOST), "is lost"),
    ],
)
def test_orphans(one: Machine, known: Runner | None, why: str) -> None:
    assert why in str(orphaned(one, known, "near", NOW))


@pytest.mark.parametrize(
    ("one", "known"),
    [
        (machine(created_at=NOW - timedelta(seconds=170)), None),
        (machine(created_at=NOW - timedelta(seconds=170)), runner(RunnerState.LOST)),
        (machine(created_at=None), None),
        (machine(), runner(RunnerState.COMPLETED, lease_until=NOW - timedelta(minutes=4))),
        (machine(), runner(RunnerState.RELEASED, held_until=NOW + HOUR)),
        (machine(condition=MachineCondition.STOPPING), runner(RunnerState.LOST)),
        (machine(condition=MachineCondition.GONE), None),
        (machine(runner_id=""), None),
    ],
)
def test_what_is_left_alone(one: Machine, known: Runner | None) -> None:
    assert orphaned(one, known, "near", NOW) is None


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.cloud = MemoryCloud(self.clock)
        self.runners = MemoryRunnerStore()
        self.records = MemoryPoolRecords()
        self.sweep = Sweep(
            providers=lambda *_: self.cloud, runners=self.runners.get_runners, records=self.records, clock=self.clock
        )

    def swept(self) -> Any:
        result = self.sweep.sweep("acme", "near")
        self.clock.advance(timedelta(minutes=5))
        return result


def charged(world: World, known: Runner | None) -> MemoryLedger:
    """As a start leaves it that was cut short: listed, its most set aside."""
    pools = MemoryPools([Pool(organization="acme", name="near", provider="fake", policy=Policy(budget=Budget(100)))])
    ledger = MemoryLedger(world.records)
    world.sweep = dataclasses.replace(world.sweep, budgets=Budgets(pools, ledger, world.clock))
    world.records.note_active("acme", "near", "r-1", NOW)
    ledger.reserve("acme", "near", Charge(runner_id="r-1", month="2030-01", per_hour=1.0, reserved=8.0, began=NOW), 100)
    if known is not None:
        world.runners.put_runner(known)
    return ledger


def test_an_orphan_is_marked_then_looked_at_again_then_ended() -> None:
    world = World()
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    assert world.swept().marked == ("machine-of-r-1",)
    assert world.cloud.machines
    assert world.swept().ended == ("machine-of-r-1",)
    assert world.cloud.machines == {}
    assert world.records.sweep("acme", "near") == SweepResult(NOW + timedelta(minutes=5), 1, 1)
    assert world.swept().seen == ()
    assert world.records.marks("acme", "near") == {}


def test_what_turns_out_to_be_wanted_is_left_alone() -> None:
    world = World()
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    world.swept()
    world.runners.put_runner(runner(RunnerState.CLAIMED))
    assert world.swept().ended == ()
    assert world.records.marks("acme", "near") == {}
    assert world.cloud.machines


def test_it_is_looked_at_again_at_the_last_moment() -> None:
    world = World()
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    world.swept()
    reads: list[Any] = []

    def later(ids: Any) -> Any:
        reads.append(list(ids))
        return {"r-1": runner(RunnerState.BOOTING)} if len(reads) > 1 else {}

    sweep = Sweep(providers=lambda *_: world.cloud, runners=later, records=world.records, clock=world.clock)
    assert sweep.sweep("acme", "near").ended == ()


def test_a_machine_made_in_advance_that_was_used_since_is_left_alone_though_the_inventory_lags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    waiting = machine(ref="machine-of-r-1", runner_id="", expires_at=NOW)
    monkeypatch.setattr(world.cloud, "list_owned", lambda: [waiting])
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    world.runners.put_runner(runner(RunnerState.BOOTING))
    assert world.swept().marked == ("machine-of-r-1",)
    assert world.swept().ended == ()
    world.cloud.machines["machine-of-r-1"] = waiting
    assert world.swept().ended == ("machine-of-r-1",)


def test_with_a_machine_of_a_runner_that_went_on_elsewhere_goes_what_was_set_aside_for_it() -> None:
    world = World()
    ledger = charged(world, dataclasses.replace(runner(RunnerState.CLAIMED), pool="far"))
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    world.swept()
    assert world.swept().ended == ("machine-of-r-1",)
    assert world.records.active("acme", "near") == []
    assert ledger.spent("acme", "near", "2030-01") == 0.0


def test_two_sweeps_at_once_end_nothing_at_first_sight() -> None:
    world = World()
    world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1")
    world.sweep.sweep("acme", "near")
    assert world.sweep.sweep("acme", "near").ended == ()


def test_one_that_cannot_be_ended_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(3):
        ref = f"machine-of-{number}"
        world.cloud.machines[ref] = machine(ref=ref, runner_id=str(number))
    stop = world.cloud.stop

    def refusing(ref: str) -> None:
        if ref == "machine-of-1":
            raise Transient("503")
        stop(ref)

    world.cloud.stop = refusing  # type: ignore[method-assign]
    world.swept()
    result = world.swept()
    assert (result.ended, result.refused) == (("machine-of-0", "machine-of-2"), ("machine-of-1",))
    world.cloud.stop = stop  # type: ignore[method-assign]
    assert world.swept().ended == ("machine-of-1",)


@pytest.mark.parametrize(
    ("known", "spent"),
    [
        (dataclasses.replace(runner(RunnerState.CLAIMED), pool="far"), 0.0),
        (runner(RunnerState.RELEASED), 1 / 12),
        (runner(RunnerState.LOST), 1 / 12),
        (None, 1 / 12),
    ],
    ids=["went on elsewhere", "released", "lost", "unknown"],
)
def test_a_runner_that_is_listed_for_good_is_struck_off_at_the_second_look(known: Runner | None, spent: float) -> None:
    world = World()
    ledger = charged(world, known)
    world.swept()
    assert world.records.active("acme", "near") == ["r-1"]
    world.swept()
    assert world.records.active("acme", "near") == []
    assert ledger.spent("acme", "near", "2030-01") == pytest.approx(spent)
    assert world.records.marks("acme", "near") == {}


@pytest.mark.parametrize(
    ("known", "there"),
    [
        (runner(RunnerState.BOOTING), False),
        (runner(RunnerState.RELEASED, held_until=NOW + HOUR), False),
        (runner(RunnerState.LOST), True),
    ],
    ids=["boots", "held", "its machine is there"],
)
def test_a_runner_that_is_still_wanted_or_there_stays_listed(known: Runner, there: bool) -> None:
    world = World()
    ledger = charged(world, known)
    if there:
        world.cloud.machines["machine-of-r-1"] = machine(ref="machine-of-r-1", condition=MachineCondition.STOPPING)
    for _ in range(3):
        world.swept()
    assert world.records.active("acme", "near") == ["r-1"]
    assert ledger.spent("acme", "near", "2030-01") == 8.0
    assert world.records.marks("acme", "near") == {}


def test_a_listed_runner_that_comes_back_at_the_last_moment_stays_listed() -> None:
    world = World()
    charged(world, None)
    world.swept()
    reads = iter([{}, {"r-1": runner(RunnerState.BOOTING)}])
    world.sweep = dataclasses.replace(world.sweep, runners=lambda ids: next(reads))
    world.swept()
    assert world.records.active("acme", "near") == ["r-1"]


class Calls:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        if pool == "broken":
            raise Transient("no")
        self.asked.append((operation, pool))


def test_pools_where_something_runs_are_looked_after_at_every_look_and_idle_ones_hourly() -> None:
    clock, records, calls = ManualClock(NOW), MemoryPoolRecords(), Calls()
    names = ("busy", "had some", "idle", "new")
    sweep = SweepPools(lambda: [SweptPool("acme", name, "fake") for name in names], records, calls, clock)
    records.note_active("acme", "busy", "r-1", NOW)
    for name, seen in (("busy", 0), ("had some", 2), ("idle", 0)):
        records.note_sweep("acme", name, SweepResult(NOW - timedelta(minutes=5), seen, 0))
    assert sweep.sweep() == 3
    assert [pool for _, pool in calls.asked] == ["busy", "had some", "new"]
    clock.advance(timedelta(minutes=55))
    records.note_sweep("acme", "new", SweepResult(NOW, 0, 0))
    calls.asked.clear()
    sweep.sweep()
    assert [pool for _, pool in calls.asked] == ["busy", "had some", "idle"]


def test_a_pool_that_cannot_be_asked_keeps_no_other_from_it() -> None:
    calls = Calls()
    pools = [SweptPool("acme", name, "fake") for name in ("broken", "near")]
    sweep = SweepPools(lambda: pools, MemoryPoolRecords(), calls, ManualClock(NOW))
    with pytest.raises(Transient):
        sweep.sweep()
    assert calls.asked == [("sweep", "near")]


def test_what_a_machine_was_bought_as_and_costs_is_kept_of_its_runner() -> None:
    world = World()
    world.sweep = dataclasses.replace(world.sweep, store=world.runners)
    world.runners.put_runner(runner(RunnerState.CLAIMED, ref="m-1", per_hour=0.04, currency="EUR"))
    world.cloud.machines["m-1"] = machine(offer="m7i.large spot in eu-west-1b")
    world.cloud.machines["m-2"] = machine(ref="m-2", offer="another machine of that runner", price_per_hour=9.0)
    world.sweep.sweep("acme", "near")
    kept = world.runners.get_runner("r-1")
    assert (kept.offer, kept.per_hour, kept.currency) == ("m7i.large spot in eu-west-1b", 0.1, "EUR")
    world.cloud.machines["m-1"] = machine(offer="m7i.large spot in eu-west-1b", price_per_hour=None)
    world.sweep.sweep("acme", "near")
    assert world.runners.get_runner("r-1").per_hour == 0.1


class WarmCloud(MemoryCloud):
    def keep_warm(self, ready: int, stopped: int) -> None:
        self.calls.append(f"keep {ready} {stopped}")
        if stopped > 5:
            raise CapacityExhausted("InsufficientInstanceCapacity")


@pytest.mark.parametrize("windows", [(WarmWindow(stopped=2),), (WarmWindow(stopped=9),), ()])
def test_machines_are_kept_waiting_as_the_pool_says_and_ended_when_it_says_so_no_more(
    windows: tuple[WarmWindow, ...],
) -> None:
    world = World()
    world.cloud = WarmCloud(world.clock)
    pools = MemoryPools((Pool(organization="acme", name="near", provider="fake", policy=Policy(warm=windows)),))
    world.sweep = dataclasses.replace(world.sweep, pools=pools)
    world.sweep.sweep("acme", "near")
    wanted = [f"keep 0 {one.stopped}" for one in windows]
    assert [call for call in world.cloud.calls if call.startswith("keep")] == wanted
    # One that waits is nobody's, and no orphan.
    world.cloud.machines["w-1"] = machine(ref="w-1", runner_id="")
    assert world.swept().marked == ()
    assert [call for call in world.cloud.calls if call.startswith("keep")][-1] == (wanted or ["keep 0 0"])[0]
    assert world.records.sweep("acme", "near") is not None
