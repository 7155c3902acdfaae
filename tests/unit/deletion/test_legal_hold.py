"""What a legal hold covers, and how what it covers is kept from expiring."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.deletion.hold_ports import RenewedObjects
from cadence.application.deletion.keep_held import KeepHeld
from cadence.domain.deletion.legal_hold import hold_against_deleting
from cadence.domain.shared.errors import Transient
from cadence.domain.values.storage import StorageUse
from tests.unit.deletion.holds import MemoryHolds, hold

BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLENTY: Callable[[], float] = lambda: 900.0  # noqa: E731


@pytest.mark.parametrize(
    ("held_run", "project", "run_id", "forbidden"),
    [
        (None, None, None, True),
        (None, "shop", None, True),
        (None, "shop", "r1", True),
        (None, "web", None, False),
        ("r1", None, None, True),
        ("r1", "shop", None, True),
        ("r1", "shop", "r1", True),
        ("r1", "shop", "r2", False),
    ],
)
def test_a_hold_forbids_deleting_what_it_covers_and_what_contains_it(
    held_run: str | None, project: str | None, run_id: str | None, forbidden: bool
) -> None:
    one = hold("h1", "shop", held_run)
    assert (hold_against_deleting([one], "acme", project, run_id) == one) is forbidden
    assert hold_against_deleting([one], "other", project, run_id) is None
    assert hold_against_deleting([replace(one, released_at=BEGIN)], "acme", project, run_id) is None


@dataclass
class HeldWorld:
    """Runs of the project `shop`, and the time."""

    now: datetime = BEGIN
    store: MemoryHolds = field(default_factory=MemoryHolds)
    run_ids: tuple[str, ...] = ("r1", "r2", "r3")
    renewed: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    days: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.keeping = KeepHeld(
            store=self.store,
            items=self,
            objects=self,
            storage=self,
            clock=lambda: self.now,
            longest=timedelta(days=90),
        )

    def runs(self, organization: str, project: str, after: str | None) -> Iterable[tuple[str, str]]:
        return [(one, one) for one in self.run_ids if after is None or one > after]

    def renew_run(self, run_id: str, now: datetime) -> int:
        self.renewed.append(run_id)
        return 2

    def prefixes(self, run_id: str) -> Sequence[str]:
        return [f"runs/{run_id}/"]

    def renew(self, prefix: str, before: datetime) -> RenewedObjects:
        if prefix in self.refused:
            raise Transient("AccessDenied")
        self.renewed.append(prefix)
        return RenewedObjects(1, {f"{before:%Y-%m-%d}": 10} if prefix.startswith("runs/") else {})

    def read(self, organization: str, project: str) -> StorageUse:
        return StorageUse(self.days, None)

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        self.days[day] += size
        return self.days[day]

    def put_limit(self, organization: str, project: str, limit: int | None) -> None:
        raise NotImplementedError


def test_a_pass_covers_every_run_and_the_next_one_is_a_day_later() -> None:
    world = HeldWorld()
    world.store.add(hold("h1", "shop"))
    done = world.keeping.work(PLENTY)
    assert done == {"holds": 1, "held_runs": 3, "renewed_items": 6, "renewed_objects": 4}
    assert world.renewed == ["r1", "runs/r1/", "r2", "runs/r2/", "r3", "runs/r3/", "sources/acme/shop/"]
    assert world.store.stored["h1"].renewed_at == BEGIN
    world.now = BEGIN + timedelta(hours=23)
    assert world.keeping.work(PLENTY)["holds"] == 0
    world.now = BEGIN + timedelta(hours=24)
    assert world.keeping.work(PLENTY)["held_runs"] == 3


def test_values_that_are_kept_longer_count_from_the_day_of_the_pass() -> None:
    world = HeldWorld()
    world.store.add(hold("h1", "shop", "r2"))
    world.keeping.work(PLENTY)
    assert world.renewed == ["r2", "runs/r2/"]
    assert world.days == {"2026-11-30": 10, "2026-10-16": -10}


def test_a_pass_goes_on_where_the_time_was_over() -> None:
    world = HeldWorld()
    world.store.add(hold("h1", "shop"))
    left: Iterator[float] = iter([900.0, 900.0, 900.0, 0.0])
    world.keeping.work(lambda: next(left))
    assert [name for name in world.renewed if name in world.run_ids] == ["r1", "r2"]
    assert world.store.stored["h1"].renewed_at is None
    world.keeping.work(PLENTY)
    assert [name for name in world.renewed if name in world.run_ids] == ["r1", "r2", "r3"]
    assert world.store.stored["h1"].renewed_at == BEGIN


def test_a_bucket_that_refuses_hinders_no_other_hold_and_is_tried_again() -> None:
    world = HeldWorld(refused=frozenset({"runs/r1/"}))
    world.store.add(hold("h1", "shop", "r1"))
    world.store.add(hold("h2", "shop", "r2"))
    world.keeping.work(PLENTY)
    assert (world.store.stored["h1"].renewed_at, world.store.stored["h2"].renewed_at) == (None, BEGIN)
    world.refused = frozenset()
    world.now = BEGIN + timedelta(hours=1)
    world.keeping.work(PLENTY)
    assert world.store.stored["h1"].renewed_at == world.now


def test_what_was_released_or_is_under_way_is_left_alone() -> None:
    world = HeldWorld()
    world.store.add(replace(hold("h1", "shop"), released_at=BEGIN))
    world.store.add(replace(hold("h2", "shop"), leased_until=BEGIN + timedelta(minutes=5)))
    assert world.keeping.work(PLENTY)["held_runs"] == 0
    assert world.renewed == []
