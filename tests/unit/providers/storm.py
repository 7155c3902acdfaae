"""Many runners' lives among Lambdas that are killed, answers that are lost or come twice, and a cloud that does as clouds do.

The use cases and the state machines are the real ones; the cloud, the agents and the order of everything are drawn.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cadence.application.claim import Claim
from cadence.domain.errors import (
    CadenceError,
    CapacityExhausted,
    Conflict,
    Gone,
    ProviderRejected,
    Transient,
    Unauthenticated,
)
from cadence.domain.pool import Pool
from cadence.domain.run import RunState
from cadence.domain.runner import Outcome, Result, RunnerState
from cadence.providers.contract import AgentFile, Check, Condition, Machine, RunnerRequest
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from cadence.providers.sweeping import START_TAKES, Sweep
from tests.fakes.cloud import PlainCipher
from tests.fakes.custodies import MemoryCustodies
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.services import ManualClock, MemoryPools, MemorySecretReader
from tests.unit.scheduling.setting import spec
from tests.unit.scheduling.simulation.stage import Actor, Crashed
from tests.unit.scheduling.simulation.world import RUN, Event, Faults, Ports, World

POOLS = tuple(Pool("acme", name, "cloud", boot_deadline=120) for name in ("near", "far"))
EVERY = timedelta(minutes=5)
BEAT = timedelta(seconds=10)
LIVES = (
    "works", "works", "works", "works", "works long", "fails", "breaks",
    "never boots", "boots late", "dies early", "dies late", "falls silent", "says nothing at the end",
)  # fmt: skip


@dataclass
class Thing:
    """A machine as it really is."""

    machine: Machine
    token: str
    ended_at: datetime | None = None
    number: int = 0


@dataclass
class Cloud:
    """One region: its inventory tells what was so a while ago, its answers get lost, and it may make a second machine for one name."""

    pool: str
    clock: ManualClock
    random: Random
    booted: Callable[[Thing], None]
    killed: Callable[[Thing], None]
    things: dict[str, Thing] = field(default_factory=dict)
    lag: timedelta = timedelta(seconds=60)
    room: int = 30
    first_state: RunnerState = RunnerState.BOOTING
    faults: float = 0.08
    forgets: bool = False
    sweeping: bool = False

    def start(self, request: RunnerRequest) -> str:
        self._trouble()
        existing = [
            one for one in self.things.values() if one.machine.runner_id == request.runner_id and not one.ended_at
        ]
        seen = [one for one in existing if not self.forgets or self._shown(one)]
        if seen:
            return seen[0].machine.ref
        if sum(1 for one in self.things.values() if not one.ended_at) >= self.room:
            raise CapacityExhausted("InsufficientCapacity")
        ref = f"{self.pool}-{len(self.things)}"
        assert request.home is not None
        machine = Machine(ref, request.runner_id, Condition.STARTING, self.clock.now, request.expires_at)
        self.things[ref] = thing = Thing(machine, request.home.one_time_token, number=len(existing))
        self.booted(thing)
        return ref

    def describe(self, ref: str) -> Machine:
        self._trouble()
        return self._find(ref) or Machine(ref, "", Condition.GONE)

    def stop(self, ref: str) -> None:
        self._trouble()
        for thing in self.things.values():
            if ref in {thing.machine.ref, thing.machine.runner_id} and thing.ended_at is None:
                if self.sweeping:
                    self.killed(thing)
                thing.ended_at = self.clock.now

    def list_owned(self) -> Sequence[Machine]:
        self._trouble()
        return [one.machine for one in self.things.values() if self._shown(one)]

    def probe(self) -> Sequence[Check]:
        return ()

    def console(self, ref: str) -> str | None:
        self._trouble()
        return f"console of {ref}"

    def _find(self, ref: str) -> Machine | None:
        return next(
            (one.machine for one in self.things.values() if ref in {one.machine.ref, one.machine.runner_id}), None
        )

    def _shown(self, thing: Thing) -> bool:
        created = thing.machine.created_at
        assert created is not None
        appeared = self.clock.now >= created + self.lag * self.random.random()
        gone = thing.ended_at is not None and self.clock.now >= thing.ended_at + self.lag * self.random.random()
        return appeared and not gone

    def _trouble(self) -> None:
        drawn = self.random.random()
        if drawn < self.faults:
            raise Transient("RequestLimitExceeded")
        if drawn < self.faults * 1.02:
            raise ProviderRejected("UnauthorizedOperation")


class Storm(World):
    """`lives` treatments that need a runner each, and some more for those that are lost."""

    def __init__(self, seed: int, lives: int = 25) -> None:
        random = Random(seed)
        retry = dataclasses.replace(spec("x").retry, infrastructure=3, failure=1)
        specs = [spec(f"t{number}", outputs=(), retry=retry, max_duration=600) for number in range(lives)]
        scripts = {one.name: [random.choice(LIVES) for _ in range(5)] + ["works"] for one in specs}
        self.clouds: dict[str, Cloud] = {}
        self.killed_live: list[str] = []
        self.refused_claims: Counter[str] = Counter()
        self.cipher = PlainCipher()
        self.records = MemoryPoolRecords()
        super().__init__(
            specs, scripts, random, Faults(random.choice((0.0, 0.01, 0.03)), random.choice((0.0, 0.05, 0.1))), POOLS
        )
        for pool in POOLS:
            self.clouds[pool.name] = Cloud(
                pool.name, self.clock, random, self._booted, self._killed, faults=random.choice((0.0, 0.02, 0.08)),
                room=random.choice((8, 15, 1_000)), lag=timedelta(seconds=random.choice((0, 20, 90))),
                forgets=random.random() < 0.3,
            )  # fmt: skip
        self.stage.enter("sweeper", self._sweep_for_ever)

    # the Lambdas of providers and of the sweeper

    def _functions(self) -> Mapping[str, Callable[[Actor, Event], Any]]:
        return {**super()._functions(), "provider-cloud": self._invocation("provider-cloud", self._provide)}

    def _provide(self, ports: Ports, event: Event) -> None:
        providers: Any = lambda _, pool: Reached(ports.watched(self.clouds[pool]))  # noqa: E731
        if event["operation"] == "stop":
            ReleaseRunner(ports.runners, providers, ports.watched(self.records))(event["runner_id"])
            return
        placement = event["placement"]
        homes = Homes("cloud", "https://cadence.example", AgentFile("https://cadence.example/agent", "0"), self.cipher)
        start = StartRunner(
            ports.runs,
            ports.runners,
            ports.machines,
            ports.deadlines,
            providers,
            self.clock,
            homes,
            None,
            ports.watched(self.records),
        )
        start(
            Launch(
                event["run_id"], event["treatment"], placement["runner_id"], placement["attempt"], placement["pool"],
                placement["provider"], placement["function"], placement["boot_deadline"], event["task_token"],
                placement=placement, placed_at=datetime.fromisoformat(placement["decided_at"]),
            )
        )  # fmt: skip

    def _sweep_for_ever(self, actor: Actor) -> None:
        while True:
            actor.pause(self.clock.now + EVERY)
            for pool in POOLS:
                self.sweep(pool.name, actor)

    def sweep(self, pool: str, actor: Actor | None = None) -> None:
        """As one Lambda does: it may be killed anywhere, when it has an actor."""
        runners: Any = self.runners
        cloud: Any = self.clouds[pool]
        records: Any = self.records
        if actor is not None:
            ports = self._ports(actor, f"{actor.name} {self.clock.now}")
            runners, cloud, records = ports.runners, ports.watched(cloud), ports.watched(records)
        self.clouds[pool].sweeping = actor is None
        try:
            seen: Any = Sweeping(cloud, self.clouds[pool])
            Sweep(lambda *_: seen, runners.get_runners, records, self.clock)("acme", pool)
        except (Crashed, CadenceError):
            return

    # machines

    def _booted(self, thing: Thing) -> None:
        name = f"machine {thing.machine.ref} {thing.number}"
        self.stage.enter(name, lambda actor: self._live(actor, thing))

    def _killed(self, thing: Thing) -> None:
        runner = self.runners.runners.get(thing.machine.runner_id)
        if runner is not None and runner.state.live and runner.pool == thing.machine.ref.split("-")[0]:
            self.killed_live.append(thing.machine.ref)

    def _live(self, actor: Actor, thing: Thing) -> None:
        runner_id = thing.machine.runner_id
        known = self.runners.runners[runner_id]
        script = self._script(known.treatment, known.attempt)
        if script == "never boots":
            return
        actor.pause(self.clock.now + timedelta(seconds=300 if script == "boots late" else 20))
        gateway = self._ports(actor, f"gateway {thing.machine.ref}")
        nonce = f"nonce-{thing.machine.ref}"
        try:
            self._insist(actor, thing, lambda: self._claim(gateway)(runner_id, thing.token, nonce, {}))
            for beat in range(40 if script == "works long" else 4):
                actor.pause(self.clock.now + BEAT)
                if thing.ended_at is not None or (script == "dies early" and beat == 1):
                    thing.ended_at = thing.ended_at or self.clock.now
                    return
                if script == "falls silent":
                    return
                lease = self.clock.now + timedelta(seconds=45)
                runner = self.runners.change_runner(runner_id, {RunnerState.CLAIMED}, lease_until=lease)
                if runner.cancel_reason:
                    self._end(actor, thing, gateway, Outcome.CANCELLED)
                    return
            if script == "dies late":
                thing.ended_at = self.clock.now
                return
            if script == "says nothing at the end":
                self._insist(actor, thing, lambda: gateway.runners.complete(runner_id, _result(Outcome.SUCCEEDED)))
                return
            outcomes = {"fails": Outcome.FAILED, "breaks": Outcome.INFRASTRUCTURE}
            self._end(actor, thing, gateway, outcomes.get(script, Outcome.SUCCEEDED))
        except (Conflict, Gone, Unauthenticated) as error:
            self.refused_claims[type(error).__name__] += 1  # its agent ends, its machine stays until somebody ends it

    def _claim(self, gateway: Ports) -> Claim:
        return Claim(
            gateway.runs, gateway.runners, MemorySecretReader({}), NobodyFollows(), gateway.machines, gateway.begin,
            lambda run, spec, attempt: {}, MemoryPools(POOLS), MemoryCustodies(self.runs), self.clock,
        )  # fmt: skip

    def _end(self, actor: Actor, thing: Thing, gateway: Ports, outcome: Outcome) -> None:
        runner = self.runners.runners[thing.machine.runner_id]
        self._insist(actor, thing, lambda: gateway.complete(runner, _result(outcome)))

    def _insist(self, actor: Actor, thing: Thing, call: Callable[[], object]) -> None:
        while thing.ended_at is None:
            try:
                call()
            except (Crashed, Transient):
                actor.pause(self.clock.now + timedelta(seconds=1))
            else:
                return

    # what is to be held against what was promised

    def settle_down(self) -> tuple[list[str], list[str]]:
        """After the end: what still exists before any sweep, and after two."""
        wait = START_TAKES + timedelta(minutes=10)
        for cloud in self.clouds.values():
            cloud.faults = 0.0
        self.clock.advance(wait)
        before = self.existing()
        for _ in range(2):
            for pool in POOLS:
                self.sweep(pool.name)
            self.clock.advance(EVERY)
        return before, self.existing()

    def existing(self) -> list[str]:
        return [one.machine.ref for cloud in self.clouds.values() for one in cloud.things.values() if not one.ended_at]

    def unsettled(self) -> list[str]:
        return [one.name for one in self.runs.list_treatments(RUN) if not one.state.final]

    @property
    def final(self) -> RunState:
        return self.runs.get_run(RUN).state


class Reached:
    """The cloud as a Lambda reaches it: before and after each call it may be killed."""

    first_state = RunnerState.BOOTING

    def __init__(self, port: Any) -> None:
        self.start, self.stop, self.describe, self.console = port.start, port.stop, port.describe, port.console


class Sweeping:
    """The cloud as the sweeper sees it, so that what it ends can be told from what others end."""

    def __init__(self, port: Any, cloud: Cloud) -> None:
        self._port = port
        self._cloud = cloud

    def list_owned(self) -> Sequence[Machine]:
        machines: Sequence[Machine] = self._port.list_owned()
        return machines

    def stop(self, ref: str) -> None:
        self._cloud.sweeping = True
        try:
            self._port.stop(ref)
        finally:
            self._cloud.sweeping = False


class NobodyFollows:
    def follow(self, run_id: str, until: datetime) -> None:
        raise AssertionError("nobody follows")

    def is_followed(self, run_id: str, now: datetime) -> bool:
        return False


def _result(outcome: Outcome) -> Result:
    well = outcome is Outcome.SUCCEEDED
    return Result(outcome, exit_code=0 if well else 1, error=None if well else f"it {outcome}")
