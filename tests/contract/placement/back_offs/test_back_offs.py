"""What is not asked for, shared by processes that ask at the same time; and the circuit that is made of it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from cadence.application.placement.back_offs import BackOffs, Refusals
from cadence.domain.placement.back_off import FIRST_PAUSE, LONGEST_PAUSE, PROBE_TAKES, BackOff
from cadence.providers.circuit import SharedCircuit
from tests.fakes.services import ManualClock

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POOL = ("acme", "spot")
SPOT = "spot in eu-west-1"
MANY = 12


def a_back_off(offer: str = SPOT, at: datetime = NOW, times: int = 1) -> BackOff:
    return BackOff(
        offer=offer, at=at, reason="InsufficientInstanceCapacity", until=at + times * FIRST_PAUSE, times=times
    )


def circuit(back_offs: BackOffs, clock: ManualClock) -> SharedCircuit:
    """As another process has it."""
    organization, pool = POOL
    return SharedCircuit(kept=back_offs, organization=organization, pool=pool, clock=clock)


def at_once(work: Callable[[], object]) -> Counter[object]:
    """What so many processes get that begin together."""
    ready = Barrier(MANY)

    def one(_: int) -> object:
        ready.wait()
        return work()

    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(one, range(MANY)))


def test_what_is_kept_is_found_again(back_offs: BackOffs) -> None:
    assert back_offs.get(*POOL, SPOT) is None
    assert back_offs.replace(*POOL, None, a_back_off())
    assert back_offs.get(*POOL, SPOT) == a_back_off()
    assert back_offs.replace(*POOL, None, a_back_off("other"))
    assert sorted(one.offer for one in back_offs.of_pool(*POOL)) == ["other", SPOT]
    assert back_offs.of_pool("acme", "elsewhere") == []


def test_only_what_is_as_it_was_seen_is_replaced(back_offs: BackOffs) -> None:
    first, second = a_back_off(), a_back_off(at=NOW + FIRST_PAUSE, times=2)
    assert not back_offs.replace(*POOL, first, second)
    assert back_offs.replace(*POOL, None, first)
    assert not back_offs.replace(*POOL, None, second)
    assert back_offs.replace(*POOL, first, second)
    assert not back_offs.replace(*POOL, first, second)
    assert back_offs.get(*POOL, SPOT) == second


def test_only_what_was_refused_before_is_forgotten(back_offs: BackOffs) -> None:
    back_offs.forget(*POOL, SPOT, NOW)
    back_offs.replace(*POOL, None, a_back_off())
    back_offs.forget(*POOL, SPOT, NOW)
    assert back_offs.get(*POOL, SPOT) is not None
    back_offs.forget(*POOL, SPOT, NOW + timedelta(seconds=1))
    assert back_offs.get(*POOL, SPOT) is None


def test_one_of_many_who_saw_the_same_replaces_it(back_offs: BackOffs) -> None:
    seen = a_back_off()
    back_offs.replace(*POOL, None, seen)
    assert at_once(lambda: back_offs.replace(*POOL, seen, seen.probed(NOW + FIRST_PAUSE)))[True] == 1


def test_a_burst_that_is_refused_counts_once(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)

    def refused() -> None:
        mine = circuit(back_offs, clock)
        if mine.opened_by(SPOT) is None:
            mine.refused(SPOT, "no room")

    at_once(refused)
    kept = back_offs.get(*POOL, SPOT)
    assert kept is not None and (kept.times, kept.until) == (1, NOW + FIRST_PAUSE)


def test_what_one_process_was_refused_no_other_asks_for(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    mine, others = circuit(back_offs, clock), circuit(back_offs, clock)
    assert mine.opened_by(SPOT) is None
    mine.refused(SPOT, "no room")
    opened = others.opened_by(SPOT)
    assert opened is not None and (opened.reason, opened.until) == ("no room", NOW + FIRST_PAUSE)
    assert others.opened_by("on-demand") is None


def test_after_the_pause_one_alone_asks(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    back_offs.replace(*POOL, None, a_back_off())
    clock.advance(FIRST_PAUSE)
    assert at_once(lambda: circuit(back_offs, clock).opened_by(SPOT) is None)[True] == 1


def test_the_others_wait_as_long_again_if_that_one_is_refused(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    back_offs.replace(*POOL, None, a_back_off())
    clock.advance(FIRST_PAUSE)
    probe, others = circuit(back_offs, clock), circuit(back_offs, clock)
    assert probe.opened_by(SPOT) is None
    assert others.opened_by(SPOT) is not None
    clock.advance(timedelta(seconds=2))
    probe.refused(SPOT, "still no room")
    opened = others.opened_by(SPOT)
    assert opened is not None
    assert (opened.times, opened.until, opened.reason) == (2, clock.now + 2 * FIRST_PAUSE, "still no room")


def test_all_ask_again_once_that_one_was_given_one(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    back_offs.replace(*POOL, None, a_back_off(times=1))
    clock.advance(FIRST_PAUSE)
    probe = circuit(back_offs, clock)
    assert probe.opened_by(SPOT) is None
    probe.granted(SPOT)
    assert circuit(back_offs, clock).opened_by(SPOT) is None
    assert back_offs.get(*POOL, SPOT) is None


def test_whoever_asks_first_and_dies_keeps_nobody_waiting_for_ever(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    back_offs.replace(*POOL, None, a_back_off())
    clock.advance(FIRST_PAUSE)
    assert circuit(back_offs, clock).opened_by(SPOT) is None
    assert circuit(back_offs, clock).opened_by(SPOT) is not None
    clock.advance(PROBE_TAKES)
    assert circuit(back_offs, clock).opened_by(SPOT) is None


def test_a_late_success_closes_nothing_that_was_refused_since(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    back_offs.replace(*POOL, None, a_back_off())
    clock.advance(FIRST_PAUSE)
    slow = circuit(back_offs, clock)
    assert slow.opened_by(SPOT) is None
    clock.advance(PROBE_TAKES)
    probe = circuit(back_offs, clock)
    assert probe.opened_by(SPOT) is None
    probe.refused(SPOT, "no room")
    slow.granted(SPOT)
    assert circuit(back_offs, clock).opened_by(SPOT) is not None


def test_refusals_long_ago_do_not_count(back_offs: BackOffs) -> None:
    clock = ManualClock(NOW)
    refusals = Refusals(back_offs, clock)
    for pause in (0, 60, 120):
        clock.advance(timedelta(seconds=pause))
        refusals.note(*POOL, ["any"], clock.now, "no room")
    assert [one.times for one in refusals.of_pool(*POOL)] == [3]
    clock.advance(2 * LONGEST_PAUSE)
    refusals.note(*POOL, ["any"], clock.now, "no room")
    assert [one.times for one in refusals.of_pool(*POOL)] == [1]
    clock.advance(timedelta(seconds=1))
    refusals.granted(*POOL, ["any"], clock.now)
    assert refusals.of_pool(*POOL) == []
