"""What every `Ledger` holds to."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.application.placement.budgets import Budgets, Charge, Ledger, Spending, spending
from cadence.application.placement.ports import PoolRecords
from cadence.domain.placement.pool import Pool, Price
from cadence.domain.placement.pool_policy import Budget, InstanceOffer, Policy
from cadence.domain.shared.errors import CapacityExhausted
from tests.fakes.services import ManualClock, MemoryPools

NOW = datetime(2030, 1, 31, 23, 0, tzinfo=UTC)
POOL = ("acme", "par")


def charge(runner_id: str, reserved: float = 4.0, month: str = "2030-01") -> Charge:
    return Charge(runner_id=runner_id, month=month, per_hour=2.0, reserved=reserved, began=NOW)


def test_no_more_is_set_aside_than_the_limit(ledger: Ledger) -> None:
    assert [ledger.reserve(*POOL, charge(name), 10.0) for name in ("a", "b", "c")] == [True, True, False]
    assert ledger.spent(*POOL, "2030-01") == 8.0
    assert ledger.reserve(*POOL, charge("d", 2.0), 10.0)
    assert not ledger.reserve(*POOL, charge("e", 0.01), 10.0)


def test_the_first_of_a_month_has_to_fit_as_well(ledger: Ledger) -> None:
    assert not ledger.reserve(*POOL, charge("a", 11.0), 10.0)
    assert ledger.spent(*POOL, "2030-01") == 0.0


def test_a_repeated_call_sets_nothing_aside_again(ledger: Ledger) -> None:
    assert [ledger.reserve(*POOL, charge("a"), 5.0) for _ in range(3)] == [True] * 3
    assert ledger.spent(*POOL, "2030-01") == 4.0


def test_what_was_not_spent_is_given_back_once(ledger: Ledger) -> None:
    ledger.reserve(*POOL, charge("a"), 5.0)
    for minutes in (30, 90):
        ledger.settle(*POOL, "a", NOW + timedelta(minutes=minutes))
    assert ledger.spent(*POOL, "2030-01") == 1.0
    ledger.settle(*POOL, "never was", NOW)


def test_what_was_not_started_may_be_set_aside_again(ledger: Ledger) -> None:
    ledger.reserve(*POOL, charge("a"), 5.0)
    for _ in range(2):
        ledger.cancel(*POOL, "a")
    assert ledger.spent(*POOL, "2030-01") == 0.0
    assert ledger.reserve(*POOL, charge("a"), 5.0)
    ledger.settle(*POOL, "a", NOW + timedelta(minutes=30))
    ledger.cancel(*POOL, "a")
    assert ledger.spent(*POOL, "2030-01") == 1.0


def test_what_is_set_aside_is_that_of_runners_at_work(ledger: Ledger) -> None:
    for name, reserved in (("a", 3.0), ("b", 2.5), ("c", 1.0)):
        assert ledger.reserve(*POOL, charge(name, reserved), 10.0)
    ledger.settle(*POOL, "a", NOW + timedelta(minutes=30))

    assert ledger.set_aside(*POOL, "2030-01", ["a", "b", "b", "c", "never was"]) == 3.5
    assert ledger.set_aside(*POOL, "2030-01", ["b"]) == 2.5
    assert ledger.set_aside(*POOL, "2030-02", ["b"]) == 0.0
    assert ledger.set_aside(*POOL, "2030-01", []) == 0.0
    pool = Pool(organization="acme", name="par", provider="fake", price=Price(2.0), policy=Policy(budget=Budget(10.0)))
    assert spending(ledger, pool, ["b", "c"], NOW) == Spending(
        month="2030-01", per_month=10.0, spent=1.0, set_aside=3.5
    )
    assert spending(ledger, dataclasses.replace(pool, policy=Policy()), ["b"], NOW) is None


def test_no_runner_costs_more_than_was_set_aside(ledger: Ledger) -> None:
    ledger.reserve(*POOL, charge("a"), 5.0)
    ledger.settle(*POOL, "a", NOW + timedelta(days=3))
    assert ledger.spent(*POOL, "2030-01") == 4.0


def test_whoever_has_something_set_aside_is_listed(kept: tuple[Ledger, PoolRecords]) -> None:
    ledger, records = kept
    assert ledger.reserve(*POOL, charge("a"), 4.0)
    assert not ledger.reserve(*POOL, charge("b"), 4.0)
    # However often, and by whom in between: as long as it is set aside.
    records.note_active(*POOL, "a", NOW)
    records.note_ended(*POOL, "a")
    assert list(records.active(*POOL)) == ["a"]
    ledger.cancel(*POOL, "a")
    assert list(records.active(*POOL)) == []


def test_whoever_has_been_settled_is_struck_off(kept: tuple[Ledger, PoolRecords]) -> None:
    ledger, records = kept
    ledger.reserve(*POOL, charge("a"), 5.0)
    ledger.settle(*POOL, "a", NOW + timedelta(minutes=30))
    assert list(records.active(*POOL)) == []
    # A launch that came twice, and too late: nothing is set aside again.
    assert ledger.reserve(*POOL, charge("a"), 5.0)
    records.note_active(*POOL, "a", NOW)
    records.note_ended(*POOL, "a")
    assert list(records.active(*POOL)) == []
    assert ledger.spent(*POOL, "2030-01") == 1.0


def test_each_month_and_pool_has_its_own(ledger: Ledger) -> None:
    assert ledger.reserve(*POOL, charge("a"), 4.0)
    assert ledger.reserve(*POOL, charge("b", month="2030-02"), 4.0)
    assert ledger.reserve("acme", "other", charge("a"), 4.0)


def budgets(ledger: Ledger, **policy: Any) -> tuple[Budgets, ManualClock]:
    clock = ManualClock(NOW)
    pool = Pool(organization="acme", name="par", provider="cloud", price=Price(1.0, "EUR"), policy=Policy(**policy))
    return Budgets(MemoryPools([pool]), ledger, clock), clock


def test_the_dearest_machine_is_what_a_runner_may_cost(ledger: Ledger) -> None:
    offers = (
        InstanceOffer(name="s", cpu=1, memory=1, per_hour=1.0),
        InstanceOffer(name="l", cpu=9, memory=9, per_hour=5.0),
    )
    its, _ = budgets(ledger, offers=offers, budget=Budget(12.0))
    for runner_id in ("a", "b"):
        its.reserve("acme", "par", runner_id, timedelta(hours=1))
    with pytest.raises(CapacityExhausted, match=r"budget of pool par for 2030-01 is used up: 2.00 of 12.00 are left"):
        its.reserve("acme", "par", "c", timedelta(hours=1))


def test_a_pool_without_a_budget_writes_nothing(ledger: Ledger) -> None:
    its, _ = budgets(ledger)
    its.reserve("acme", "par", "a", timedelta(hours=1))
    its.settle("acme", "par", "a")
    assert ledger.spent("acme", "par", "2030-01") == 0.0


def test_another_month_begins_with_all_of_it(ledger: Ledger) -> None:
    its, clock = budgets(ledger, budget=Budget(1.0))
    its.reserve("acme", "par", "a", timedelta(hours=1))
    with pytest.raises(CapacityExhausted):
        its.reserve("acme", "par", "b", timedelta(hours=1))
    clock.advance(timedelta(hours=2))
    its.reserve("acme", "par", "b", timedelta(hours=1))
    its.settle("acme", "par", "b")
    assert ledger.spent("acme", "par", "2030-02") == 0.0
