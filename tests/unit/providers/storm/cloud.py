"""A cloud whose inventory tells what was so a while ago, whose answers get lost, and which may make a second machine
for one name.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected, Transient
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from tests.fakes.services import ManualClock

WARM_FOR = timedelta(minutes=40)


@dataclass
class Thing:
    """A machine as it really is. `before` is what its tags said until `taken_at`, when it was given a runner."""

    machine: Machine
    token: str = ""
    ended_at: datetime | None = None
    number: int = 0
    works: bool = False  # its agent has called home, and has not ended
    before: Machine | None = None
    taken_at: datetime | None = None


@dataclass
class Cloud:
    """One region.

    `told` counts the faults by kind; `stopped` hears of each machine that is ended, and whether by the sweeper.
    """

    pool: str
    clock: ManualClock
    random: Random
    booted: Callable[[Thing], None]
    stopped: Callable[[Thing, bool], None]
    told: Counter[str]
    things: dict[str, Thing] = field(default_factory=dict)
    lag: timedelta = timedelta(seconds=60)
    room: int = 30
    faults: float = 0.08
    forgets: bool = False
    ends_itself: bool = False
    keeps_warm: bool = False
    start_api: LimitedApi | None = None

    def start(self, request: RunnerRequest) -> str:
        self._trouble()
        existing = [
            one for one in self.things.values() if one.machine.runner_id == request.runner_id and not one.ended_at
        ]
        seen = [one for one in existing if not self.forgets or self._shown(one)]
        if seen:
            return self._answered(seen[0].machine.ref)
        thing = self._waiting_one(request) or self._new(request)
        assert request.home is not None
        thing.token, thing.number = request.home.one_time_token, len(existing)
        if existing:
            self.told["second machine for one runner"] += 1
        self.booted(thing)
        return self._answered(thing.machine.ref)

    def describe(self, ref: str) -> Machine:
        self._trouble()
        return self._find(ref) or Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        self._stop(ref, swept=False)

    def sweep_away(self, ref: str) -> None:
        """`stop`, as the sweeper does it."""
        self._stop(ref, swept=True)

    def list_owned(self) -> Sequence[Machine]:
        self._trouble()
        return [self._as_listed(one) for one in self.things.values() if self._shown(one)]

    def probe(self) -> Sequence[Check]:
        return ()

    def console(self, ref: str) -> str | None:
        self._trouble()
        return f"console of {ref}"

    def keep_warm(self, ready: int, stopped: int) -> None:
        self._trouble()
        waiting = [one for one in self.things.values() if self._waits(one)]
        for thing in waiting[ready + stopped :]:
            thing.ended_at = self.clock.now
        for _ in range(ready + stopped - len(waiting)):
            if self._full:
                return
            self._add("", self.clock.now + WARM_FOR)
            self.told["machine made in advance"] += 1

    def _new(self, request: RunnerRequest) -> Thing:
        if self._full:
            self.told["no room"] += 1
            raise CapacityExhausted("InsufficientCapacity")
        return self._add(request.runner_id, request.expires_at)

    def _add(self, runner_id: str, expires_at: datetime | None) -> Thing:
        ref = f"{self.pool}-{len(self.things)}"
        machine = Machine(
            ref=ref,
            runner_id=runner_id,
            condition=MachineCondition.STARTING,
            created_at=self.clock.now,
            expires_at=expires_at,
        )
        self.things[ref] = thing = Thing(machine)
        return thing

    def _waiting_one(self, request: RunnerRequest) -> Thing | None:
        """One that was made in advance, tagged anew; its old tags are still shown for a while."""
        thing = next((one for one in self.things.values() if self._waits(one)), None)
        if thing is not None:
            thing.before, thing.taken_at = thing.machine, self.clock.now
            thing.machine = dataclasses.replace(
                thing.machine, runner_id=request.runner_id, expires_at=request.expires_at
            )
            self.told["machine of before used"] += 1
        return thing

    def _waits(self, thing: Thing) -> bool:
        expires = thing.machine.expires_at
        return thing.ended_at is None and not thing.machine.runner_id and (expires is None or expires > self.clock.now)

    @property
    def _full(self) -> bool:
        return sum(1 for one in self.things.values() if not one.ended_at) >= self.room

    def _stop(self, ref: str, *, swept: bool) -> None:
        self._trouble()
        for thing in self.things.values():
            if ref in {thing.machine.ref, thing.machine.runner_id} and thing.ended_at is None:
                self.stopped(thing, swept)
                thing.ended_at = self.clock.now
        self._answered(ref)

    def _find(self, ref: str) -> Machine | None:
        return next(
            (
                dataclasses.replace(one.machine, condition=MachineCondition.GONE) if one.ended_at else one.machine
                for one in self.things.values()
                if ref in {one.machine.ref, one.machine.runner_id}
            ),
            None,
        )

    def _shown(self, thing: Thing) -> bool:
        created = thing.machine.created_at
        assert created is not None
        appeared = self.clock.now >= created + self._late
        gone = thing.ended_at is not None and self.clock.now >= thing.ended_at + self._late
        return appeared and not gone

    def _as_listed(self, thing: Thing) -> Machine:
        if thing.before and thing.taken_at and self.clock.now < thing.taken_at + self._late:
            self.told["tags shown late"] += 1
            return thing.before
        return thing.machine

    @property
    def _late(self) -> timedelta:
        return self.lag * self.random.random()

    def _trouble(self) -> None:
        drawn = self.random.random()
        if drawn < self.faults:
            self.told["call refused"] += 1
            raise Transient("RequestLimitExceeded")
        if drawn < self.faults * 1.02:
            self.told["call rejected"] += 1
            raise ProviderRejected("UnauthorizedOperation")

    def _answered(self, ref: str) -> str:
        """What was asked for is done; the answer may get lost."""
        if self.random.random() < self.faults / 2:
            self.told["answer of the cloud lost"] += 1
            raise Transient("the connection was closed before the answer came")
        return ref


class Reached:
    """The cloud as a Lambda reaches it: before and after each call it may be killed.

    What the sweeper ends is told from what others end.
    """

    first_state = RunnerState.BOOTING

    def __init__(self, port: Any, cloud: Cloud, *, sweeps: bool = False) -> None:
        self.start, self.describe, self.console, self.list_owned = (
            port.start,
            port.describe,
            port.console,
            port.list_owned,
        )
        self.stop = port.sweep_away if sweeps else port.stop
        self.ends_itself = cloud.ends_itself
        if cloud.start_api:
            self.start_api = cloud.start_api
        if cloud.keeps_warm:
            self.keep_warm = port.keep_warm
