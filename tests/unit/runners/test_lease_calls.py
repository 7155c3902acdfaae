"""Calls of a host that are carried out late, twice or in part: no runner that it runs is given up or loses its token.

One call is interrupted before each of its accesses to the stores; there the host, which waits no longer for the answer,
makes further calls and starts what they hand out.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.application.runners.lease_work import LeaseAnswer, LeaseWork
from cadence.application.runners.runner_tokens import matches, token_hash
from cadence.application.shared.runner_ports import Host
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, RunnerLost
from tests.fakes.hosts import MemoryHosts
from tests.fakes.offers import MemoryOffers, MemoryWorkNotification
from tests.fakes.runners import MemoryRunnerStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TOKEN = "acme.own.secret"
HOST = "host-1"


class Machines:
    def __init__(self) -> None:
        self.failed: list[Exception] = []

    def fail(self, token: str, error: Exception) -> None:
        self.failed.append(error)


class Interrupted:
    """A store that calls `meanwhile` once, before access number `at` of all that share `count`."""

    def __init__(self, store: Any, count: list[int], at: int, meanwhile: Callable[[], None]) -> None:
        self._store, self._count, self._at, self._meanwhile = store, count, at, meanwhile

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def access(*arguments: Any, **options: Any) -> Any:
            self._count[0] += 1
            if self._count[0] == self._at:
                self._meanwhile()
            return method(*arguments, **options)

        return access


class World:
    """A pool with one host of two slots. `running` are the runners that have a process there."""

    def __init__(self) -> None:
        self.runners = MemoryRunnerStore()
        self.hosts = MemoryHosts(MemoryOffers(self.runners))
        self.machines = Machines()
        self.running: dict[str, str] = {}
        self.calls = 0
        self.hosts.put_host(
            Host(
                host_id=HOST,
                organization="acme",
                pool="own",
                name="one",
                slots=2,
                token_hash=token_hash(TOKEN),
                joined_at=NOW,
                last_seen=NOW,
            )
        )

    def offer(self, name: str) -> None:
        runner = Runner(
            runner_id=name,
            run_id="run",
            treatment=name,
            attempt=1,
            organization="acme",
            project="p",
            pool="own",
            provider="host",
            state=RunnerState.OFFERED,
            created_at=NOW,
            task_token=f"task-{name}",
        )
        self.runners.put_runner(runner)
        self.hosts.put_offer(runner, NOW)

    def call(self) -> Callable[..., LeaseAnswer]:
        """Makes the host's next request; it is carried out when the result is called."""
        self.calls += 1
        number, running = self.calls, sorted(self.running)

        def carry_out(at: int = 0, meanwhile: Callable[[], None] = lambda: None) -> LeaseAnswer:
            count = [0]
            work = LeaseWork(
                hosts=Interrupted(self.hosts, count, at, meanwhile),
                runners=Interrupted(self.runners, count, at, meanwhile),
                machines=self.machines,  # type: ignore[arg-type]
                work_notification=MemoryWorkNotification(),
                claim_key=lambda host: f"key of {host.host_id}",
                clock=lambda: NOW,
            )
            return work.lease(HOST, f"Bearer {TOKEN}", number, 2 - len(running), running)

        return carry_out

    def start(self, answer: LeaseAnswer) -> None:
        for handed in answer.assignments:
            self.running[handed.runner_id] = handed.token

    def claim(self) -> None:
        """Lets the agents of all processes call home."""
        for runner_id, token in self.running.items():
            runner = self.runners.get_runner(runner_id)
            assert matches(runner.one_time_hash, token), f"the token of {runner_id} is not valid any more"
            self.runners.runners[runner_id] = replace(runner, state=RunnerState.CLAIMED, lease_until=NOW)


# More than any call makes.
ACCESSES = range(1, 16)


@pytest.mark.parametrize("at", ACCESSES)
@pytest.mark.parametrize("claimed_meanwhile", [True, False])
@pytest.mark.parametrize("reported_meanwhile", [True, False])
@pytest.mark.parametrize("answer_lost_before", [True, False])
def test_a_call_that_is_overtaken_gives_up_nothing(
    at: int, claimed_meanwhile: bool, reported_meanwhile: bool, answer_lost_before: bool
) -> None:
    world = World()
    world.offer("a")
    if answer_lost_before:
        world.call()()
    late = world.call()

    def overtake() -> None:
        world.start(world.call()())
        if claimed_meanwhile:
            world.claim()
        if reported_meanwhile:
            world.call()()
        world.offer("b")

    made = world.calls
    try:
        answer = late(at, overtake)
    except Conflict:
        pass
    else:
        if world.calls == made:  # it made fewer accesses, so that nothing overtook it
            world.start(answer)
            world.offer("b")
    # The host goes on; whatever else the late call has taken is handed out again.
    for _ in range(3):
        world.claim()
        world.start(world.call()())
    world.claim()
    assert world.machines.failed == []
    assert sorted(world.running) == ["a", "b"]
    assert {world.runners.get_runner(name).state for name in "ab"} == {RunnerState.CLAIMED}


def test_a_call_that_arrives_after_a_later_one_changes_nothing() -> None:
    world = World()
    world.offer("a")
    late = world.call()
    world.start(world.call()())
    world.claim()
    world.offer("b")
    before = dict(world.hosts.hosts), dict(world.runners.runners)
    with pytest.raises(Conflict, match="has made call 2, which is not before call 1") as refused:
        late()
    assert refused.value.details == {"last_call": 2}
    assert (world.hosts.hosts, world.runners.runners) == before
    assert world.machines.failed == []


def test_a_call_that_arrives_twice_is_carried_out_once() -> None:
    world = World()
    world.offer("a")
    twice = world.call()
    world.start(twice())
    world.claim()
    with pytest.raises(Conflict):
        twice()
    assert world.machines.failed == []


@pytest.mark.parametrize("answer_lost", [True, False])
def test_an_offer_that_stays_behind_makes_no_second_token(answer_lost: bool) -> None:
    world = World()
    world.offer("a")
    answer = world.call()()
    if not answer_lost:
        world.start(answer)
    # The call broke off before it removed the offer, or the watchdog offered the runner at this very moment.
    world.hosts.put_offer(world.runners.get_runner("a"), NOW)
    again = world.call()()
    assert [handed.runner_id for handed in again.assignments] == (["a"] if answer_lost else [])
    world.start(again)
    world.claim()
    assert world.hosts.list_offers("acme", "own", 9) == []


@pytest.mark.parametrize("at", ACCESSES)
def test_a_process_that_is_gone_is_given_up_though_a_call_breaks_off(at: int) -> None:
    world = World()
    world.offer("a")
    world.start(world.call()())
    world.claim()
    world.call()()
    world.running.clear()

    def break_off() -> None:
        raise ConnectionError

    try:
        world.call()(at, break_off)
    except ConnectionError:
        world.call()()
    assert world.runners.get_runner("a").state is RunnerState.LOST
    # Where the call broke off after the runner was declared lost, the watchdog fails the machine.
    assert all(isinstance(error, RunnerLost) for error in world.machines.failed)


def test_a_draining_host_waits_for_no_notification() -> None:
    world = World()
    world.offer("a")
    answer = world.call()()
    world.start(answer)
    assert answer.work_notification is not None
    world.offer("b")
    # Filled by this call, or it would be if no runner ended meanwhile: only the host knows.
    assert world.call()().work_notification is not None
    world.hosts.drain("acme", "own", HOST, True)
    assert world.call()().work_notification is None
    world.hosts.drain("acme", "own", HOST, False)
    assert world.call()().work_notification is not None
