"""Runners that a host starts before it has leased them: their claims lease them, once, and nothing is lost on the way.

A claim, or a call of the host that it meets, is interrupted before each of its accesses to the stores.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.runners.lease_work import LeaseAnswer
from cadence.application.runners.runner_tokens import claim_key, claim_token, matches, token_hash
from cadence.application.runners.take_offer import TakeOffer
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Conflict, Gone, Unauthenticated
from tests.unit.runners.test_lease_calls import HOST, NOW, TOKEN, Interrupted, World

KEY = "key of host-1"
ACCESSES = range(1, 16)


def nothing() -> None:
    pass


class OwnStarts(World):
    """A host that starts runners before they are leased. `begun` has its last call before each of these."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, int] = {}
        assert self.call()().claim_key == KEY
        self.offer("a")

    def begin(self, name: str) -> None:
        """Starts a runner; what it is offered meanwhile, the host does not start again."""
        self.begun[name] = self.calls
        self.running[name] = claim_token(KEY, name)

    def take(self, name: str, at: int = 0, meanwhile: Callable[[], None] = nothing) -> None:
        """Lets the agent of such a runner claim it, as far as that leases it."""
        count = [0]
        offers = TakeOffer(
            runners=Interrupted(self.runners, count, at, meanwhile),
            hosts=Interrupted(self.hosts, count, at, meanwhile),
            claim_key=lambda host: f"key of {host.host_id}",
            clock=lambda: NOW,
        )
        offers.take(name, claim_token(KEY, name), HOST, self.begun[name])

    def call_home(self) -> None:
        """Lets the agents of all processes claim; one that is refused ends."""
        for name, token in list(self.running.items()):
            if token == claim_token(KEY, name):
                try:
                    self.take(name)
                except Gone:
                    del self.running[name]
        self.claim()

    def start(self, answer: LeaseAnswer) -> None:
        for handed in answer.assignments:
            self.running.setdefault(handed.runner_id, handed.token)

    def state(self) -> RunnerState:
        return self.runners.get_runner("a").state

    def settles(self) -> bool:
        """Goes on; returns whether the runner was given to one process, and not given up."""
        for _ in range(3):
            self.call_home()
            self.start(self.call()())
        self.call_home()
        return (list(self.running), self.state(), self.machines.failed) == (["a"], RunnerState.CLAIMED, [])


def test_a_claim_takes_the_offer_and_may_be_repeated() -> None:
    world = OwnStarts()
    world.begin("a")
    for _ in range(2):
        world.call_home()
        assert (world.state(), world.hosts.list_offers("acme", "own", 9)) == (RunnerState.CLAIMED, [])
    assert world.hosts.hosts[HOST].handed == {"a"}
    answer = world.call()()
    assert (answer.assignments, answer.stop, world.machines.failed) == ([], [], [])


@pytest.mark.parametrize("reported", [True, False])
def test_a_process_that_ends_after_its_claim_is_given_up_by_the_next_call(reported: bool) -> None:
    world = OwnStarts()
    world.begin("a")
    world.call_home()
    if reported:
        world.call()()
    world.running.clear()
    world.call()()
    assert world.state() is RunnerState.LOST
    assert len(world.machines.failed) == 1


@pytest.mark.parametrize("at", ACCESSES)
def test_a_process_that_ends_within_its_claim_loses_nothing(at: int) -> None:
    world = OwnStarts()
    world.begin("a")

    def end() -> None:
        raise ConnectionError

    with suppress(ConnectionError):
        world.take("a", at, end)
    world.running.clear()
    world.start(world.call()())
    assert world.settles()


def test_a_call_leaves_the_offer_to_the_agent_that_the_host_has_started() -> None:
    world = OwnStarts()
    world.begin("a")
    assert world.call()().assignments == []
    assert world.settles()


def test_an_agent_that_never_calls_home_leaves_the_offer_to_whom_asks() -> None:
    world = OwnStarts()
    world.begin("a")
    withdrawn(world, created_at=NOW - timedelta(minutes=2))
    assert [handed.runner_id for handed in world.call()().assignments] == ["a"]


def test_a_call_of_before_that_is_carried_out_after_the_claim_is_refused() -> None:
    world = OwnStarts()
    late = world.call()
    world.begin("a")
    world.call_home()
    with pytest.raises(Conflict):
        late()
    assert world.settles()


@pytest.mark.parametrize("at", ACCESSES)
@pytest.mark.parametrize("late", [True, False])
def test_a_claim_within_a_call_of_its_host_is_neither_given_up_nor_made_invalid(at: int, late: bool) -> None:
    """The call was made before the runner was started, and its answer is waited for no longer; or after."""
    world = OwnStarts()
    before = world.call()
    world.begin("a")
    call = before if late else world.call()
    try:
        answer = call(at, world.call_home)
    except Conflict:
        assert late
    else:
        if not late:
            world.start(answer)
    assert world.settles()


@pytest.mark.parametrize("at", ACCESSES)
@pytest.mark.parametrize("answered", [True, False])
def test_a_call_within_a_claim_leaves_the_runner_to_one_of_them(at: int, answered: bool) -> None:
    world = OwnStarts()
    late = world.call()
    world.begin("a")

    def call() -> None:
        # One whose answer the host waits for no longer, or one that it makes meanwhile.
        with suppress(Conflict):
            (world.call() if answered else late)()

    with suppress(Gone):
        world.take("a", at, call)
    assert world.settles()


@pytest.mark.parametrize("at", ACCESSES)
def test_a_late_claim_of_a_process_that_is_gone_loses_nothing(at: int) -> None:
    """The claim leases at most what the host's next call hands out again."""
    world = OwnStarts()
    world.begin("a")

    def report_gone() -> None:
        world.running.clear()
        world.start(world.call()())

    with suppress(Gone):
        world.take("a", at, report_gone)
    world.start(world.call()())
    assert world.settles()


def withdrawn(world: World, **changes: Any) -> None:
    world.runners.runners["a"] = replace(world.runners.runners["a"], **changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda world: withdrawn(world, state=RunnerState.LOST),
        lambda world: withdrawn(world, cancel_reason="stopped"),
        lambda world: withdrawn(world, engine="0.11"),
        lambda world: withdrawn(world, state=RunnerState.BOOTING, host_id="other", one_time_hash="theirs"),
        lambda world: world.hosts.drain("acme", "own", HOST, True),
    ],
)
def test_what_is_not_to_be_had_is_not_taken(change: Callable[[World], Any]) -> None:
    world = OwnStarts()
    world.begin("a")
    change(world)
    before = world.runners.get_runner("a")
    with pytest.raises(Gone):
        world.take("a")
    assert world.runners.get_runner("a") == before


def test_only_the_hosts_own_token_for_this_runner_takes_it() -> None:
    world = OwnStarts()
    world.hosts.put_host(replace(world.hosts.hosts[HOST], host_id="second"))
    offers = TakeOffer(
        runners=world.runners, hosts=world.hosts, claim_key=lambda host: f"key of {host.host_id}", clock=lambda: NOW
    )
    for token, host_id in (
        (claim_token(KEY, "b"), HOST),
        (claim_token(KEY, "a"), "second"),
        (KEY, HOST),
        (TOKEN, "no"),
    ):
        with pytest.raises(Unauthenticated):
            offers.take("a", token, host_id, 1)
    with pytest.raises(Unauthenticated):
        offers.take("unknown", claim_token(KEY, "unknown"), HOST, 1)
    assert world.state() is RunnerState.OFFERED


def test_a_host_that_drains_gets_no_claim_key() -> None:
    world = World()
    world.hosts.drain("acme", "own", HOST, True)
    assert world.call()().claim_key is None


def test_claim_keys_differ_by_installation_host_and_token() -> None:
    made = {claim_key(*parts) for parts in ((b"a", "h", "t"), (b"b", "h", "t"), (b"a", "i", "t"), (b"a", "h", "u"))}
    assert len(made) == 4
    assert not matches(token_hash(claim_token("k", "a")), claim_token("k", "b"))
