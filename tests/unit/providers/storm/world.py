"""The storm: a run whose treatments need a runner each, and some more for those that are lost."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.budgets import Budgets
from cadence.application.placement.pacing import RateLimiter
from cadence.application.runners.hold_runner import HoldRunner
from cadence.application.runners.hosts import HostsAtWork
from cadence.application.shared.runner_ports import Host
from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import HOST, Pool, Price
from cadence.domain.placement.pool_policy import Budget, Policy, WarmWindow
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CadenceError, Conflict
from cadence.providers.contract import AgentFile
from cadence.providers.homes import Homes
from cadence.providers.host.provider import HostProvider
from cadence.providers.lifecycle import ReleaseRunner, StartRunner
from cadence.providers.operations import launch_of
from cadence.providers.sweeping import START_TAKES, Sweep
from tests.fakes.cloud import PlainCipher
from tests.fakes.hosts import MemoryHosts
from tests.fakes.ledger import MemoryLedger
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.rate_limits import MemoryRateLimits
from tests.fakes.services import MemoryPools
from tests.unit.providers.storm.agents import FAULTS, LIVES, AgentOnMachine
from tests.unit.providers.storm.cloud import WARM_FOR, Cloud, Reached, Thing
from tests.unit.providers.storm.rack import OWN, RackHost
from tests.unit.scheduling.setting import spec
from tests.unit.scheduling.simulation.stage import Actor, Crashed
from tests.unit.scheduling.simulation.world import RUN, Event, Faults, Ports, World

EVERY = timedelta(minutes=5)
_HOLD = timedelta(minutes=30)
_PRICE = Price(1.0, "EUR")
_MUCH = Policy(budget=Budget(1_000_000))  # nothing is refused for it: what is set aside is to be given back
_WARM = dataclasses.replace(_MUCH, warm=(WarmWindow(ready=1, stopped=2),))
_HOSTS = Pool(organization="acme", name=OWN, provider=HOST, boot_deadline=120)


class Storm(World):
    """`told` counts the faults by kind."""

    def __init__(self, seed: int, lives: int = 25) -> None:
        random = Random(seed)
        retry = dataclasses.replace(spec("x").retry, infrastructure=3, failure=1)
        specs = [spec(f"t{number}", outputs=(), retry=retry, max_duration=600) for number in range(lives)]
        scripts = {one.name: [random.choice(LIVES) for _ in range(5)] + ["works"] for one in specs}
        clouds = [
            Pool(
                organization="acme",
                name=name,
                provider="cloud",
                boot_deadline=120,
                price=_PRICE,
                policy=random.choice((_MUCH, _WARM)),
            )
            for name in ("near", "far")
        ]
        self.clouds: dict[str, Cloud] = {}
        self.killed_live: list[str] = []
        self.refused_claims: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.cipher = PlainCipher()
        self.records, self.rate_limits = MemoryPoolRecords(), MemoryRateLimits()
        self.ledger = MemoryLedger(self.records)
        faults = Faults(random.choice((0.0, 0.01, 0.03)), random.choice((0.0, 0.05, 0.1)))
        pools = random.choice((clouds, clouds, [*clouds, _HOSTS], [_HOSTS, *clouds]))
        super().__init__(specs, scripts, random, faults, pools)
        self.hosts = MemoryHosts(self.offers)
        self.pool_store = MemoryPools(clouds)
        for pool in clouds:
            self.clouds[pool.name] = self._cloud(pool)
        self.rack = [RackHost(self, number, slots=3) for number in range(2)] if _HOSTS in pools else []
        self.dark_until = self.clock.now
        for host in self.rack:
            self.stage.enter("host", host.serve)
        if self.rack:
            self.stage.enter("power", self._cut_power)
        for name in self.clouds:
            self.stage.enter(f"sweeper of {name}", lambda actor, name=name: self._sweep_for_ever(actor, name))  # type: ignore[misc]
        self.stage.enter("somebody who looks into failures", self._hold_some)

    def _cloud(self, pool: Pool) -> Cloud:
        random = self.random
        pace = LimitedApi("acme", pool.name, "servers", RateLimit(0.5, 3)) if random.random() < 0.4 else None
        cloud = Cloud(
            pool.name, self.clock, random, lambda thing: self._booted(cloud, thing),
            lambda thing, swept: self.ended_by_control_plane(thing, pool.name, swept=swept),
            self.told, faults=random.choice((0.0, 0.02, 0.08)), room=random.choice((8, 15, 1_000)),
            lag=timedelta(seconds=random.choice((0, 20, 90))), forgets=random.random() < 0.3,
            ends_itself=random.random() < 0.5, keeps_warm=bool(pool.policy.warm), start_api=pace,
        )  # fmt: skip
        return cloud

    # the Lambdas of providers and of the sweeper

    def _functions(self) -> Mapping[str, Callable[[Actor, Event], Any]]:
        return {
            **super()._functions(),
            "provider-cloud": self._invocation("provider-cloud", self._provide),
            f"provider-{HOST}": self._invocation(f"provider-{HOST}", self._provide_on_hosts),
        }

    def _invocation(self, name: str, task: Callable[[Ports, Event], Any]) -> Callable[[Actor, Event], Any]:
        return super()._invocation(name, lambda ports, event: task(self._counted(ports), event))

    def _counted(self, ports: Ports) -> Ports:
        self.told["Lambda called"] += 1
        return ports

    def ports(self, actor: Actor, step: str) -> Ports:
        """For one call of the gateway."""
        return self._ports(actor, step)

    def _provide(self, ports: Ports, event: Event) -> None:
        if event["operation"] == "stop":
            self._release(ports).release(event["runner_id"])
            return
        homes = Homes("cloud", "https://cadence.example", AgentFile("https://cadence.example/agent", "0"), self.cipher)
        start = StartRunner(
            runs=ports.runs,
            treatments=ports.runs,
            runners=ports.runners,
            machines=ports.machines,
            deadlines=ports.deadlines,
            providers=self._providers(ports),
            clock=self.clock,
            homes=homes,
            rate_limiter=RateLimiter(ports.watched(self.rate_limits), self.clock, lambda _: None, self.random.random),
            records=ports.watched(self.records),
            budgets=self._budgets(ports),
            refusals=Refusals(ports.watched(self.back_offs), self.clock),
            pools=self.pool_store,
        )
        start.start(launch_of(event))

    def _provide_on_hosts(self, ports: Ports, event: Event) -> None:
        assert event["operation"] == "stop", "a runner on hosts is offered where it is placed"
        hosts = ports.watched(self.hosts)
        provider = HostProvider(
            organization="acme",
            pool=OWN,
            runners=ports.runners,
            hosts=hosts,
            work_notification=self.work_notification,
            clock=self.clock,
        )
        ReleaseRunner(runners=ports.runners, providers=lambda *_: provider).release(event["runner_id"])

    def _release(self, ports: Ports, *, sweeps: bool = False) -> ReleaseRunner:
        return ReleaseRunner(
            runners=ports.runners,
            providers=self._providers(ports, sweeps=sweeps),
            records=ports.watched(self.records),
            budgets=self._budgets(ports),
            clock=self.clock,
        )

    def _providers(self, ports: Ports, *, sweeps: bool = False) -> Any:
        return lambda _, pool: Reached(ports.watched(self.clouds[pool]), self.clouds[pool], sweeps=sweeps)

    def _budgets(self, ports: Ports) -> Budgets:
        return Budgets(self.pool_store, ports.watched(self.ledger), self.clock)

    def _sweep_for_ever(self, actor: Actor, pool: str) -> None:
        while True:
            actor.pause(self.clock.now + EVERY)
            for _ in range(2 if self.random.random() < self.faults.twice else 1):
                # As AWS does with what was asked for without waiting: again a minute later.
                if not self._sweep(self._ports(actor, f"{actor.name} {self.clock.now}"), pool):
                    self.told["sweeper cut short"] += 1
                    actor.pause(self.clock.now + timedelta(minutes=1))
                    self._sweep(self._ports(actor, f"{actor.name} {self.clock.now} again"), pool)

    def _sweep(self, ports: Ports, pool: str) -> bool:
        release = self._release(ports, sweeps=True)
        sweep = Sweep(
            providers=self._providers(ports, sweeps=True), runners=ports.runners.get_runners, records=ports.watched(self.records), clock=self.clock,
            pools=self.pool_store, release=release.release, budgets=self._budgets(ports), store=ports.runners,
        )  # fmt: skip
        try:
            sweep.sweep("acme", pool)
        except (Crashed, CadenceError):
            return False
        return True

    def _hold_some(self, actor: Actor) -> None:
        while True:
            actor.pause(self.clock.now + timedelta(seconds=self.random.choice((40, 90, 200))))
            claimed = [one for one in self.runners.runners.values() if one.state is RunnerState.CLAIMED]
            working = [one for one in claimed if one.provider != HOST]
            if not working:
                continue
            ports = self._ports(actor, f"api {self.clock.now}")
            hold = HoldRunner(ports.runners, StopAsked(self), self.clock)
            try:
                held = hold.hold(self.random.choice(working), _HOLD * self.random.random())
                self.told["runner held"] += 1
                if self.random.random() < 0.5:
                    actor.pause(self.clock.now + timedelta(minutes=3))
                    hold.release(held)
            except (Crashed, Conflict):
                continue

    def _cut_power(self, actor: Actor) -> None:
        while True:
            actor.pause(self.clock.now + timedelta(seconds=self.random.choice((20, 300, 1200))))
            self.told["power of all hosts cut"] += 1
            self.dark_until = self.clock.now + timedelta(seconds=self.random.choice((70, 300)))
            actor.pause(self.dark_until)

    # machines

    def at_work(self, organization: str, pool: str, engine: str | None = None) -> Sequence[Host]:
        found = HostsAtWork(self.hosts, self.clock).count(organization, pool, engine)
        if not found:
            self.told["no host there"] += 1
        return found

    def send_agent(self, runner: Any) -> None:
        """Hosts ask for work by themselves."""

    def script(self, treatment: str, attempt: int) -> str:
        script = self._script(treatment, attempt)
        if script in FAULTS:
            self.told[f"machine: {script}"] += 1
        return script

    def _booted(self, cloud: Cloud, thing: Thing) -> None:
        known = self.runners.runners[thing.machine.runner_id]
        script = self.script(known.treatment, known.attempt)
        # Now and then one does not go, though it should.
        power_off = cloud.ends_itself and self.random.random() < 0.95
        agent = AgentOnMachine(self, thing, thing.machine.runner_id, script, power_off=power_off)
        self.stage.enter(f"machine {thing.machine.ref} {thing.number}", agent.live)

    def ended_by_control_plane(self, thing: Thing, pool: str, *, swept: bool = False) -> None:
        """Held against what nobody may end: a runner that lives, by the sweeper; one that works and was not told to
        stop, by anybody.
        """
        runner = self.runners.runners.get(thing.machine.runner_id)
        if runner is None:
            if swept and thing.machine.expires_at is not None and thing.machine.expires_at > self.clock.now:
                self.killed_live.append(f"{thing.machine.ref}, which waits for a runner")
            return
        lives = runner.state.live and runner.pool == pool
        works = thing.works and runner.state is RunnerState.CLAIMED and not runner.cancel_reason
        if (lives and swept) or works:
            self.killed_live.append(thing.machine.ref)

    # what is to be held against what was promised

    def settle_down(self) -> tuple[list[str], list[str]]:
        """After the end: what still exists before any sweep, and after two."""
        self.pool_store.pools = [dataclasses.replace(one, policy=_MUCH) for one in self.pool_store.pools]
        for cloud in self.clouds.values():
            cloud.faults = 0.0
        self.clock.advance(max(START_TAKES, WARM_FOR, _HOLD) + timedelta(minutes=10))
        before = self.existing()
        safe = Ports(self, lambda port: port)
        for _ in range(2):
            for pool in self.clouds:
                assert self._sweep(safe, pool)
            self.clock.advance(EVERY)
        return before, self.existing()

    def existing(self) -> list[str]:
        return [one.machine.ref for cloud in self.clouds.values() for one in cloud.things.values() if not one.ended_at]

    def unsettled(self) -> list[str]:
        return [one.name for one in self.runs.list_treatments(RUN) if not one.state.final]

    def listed(self) -> list[str]:
        return [f"{one} in {pool}" for pool in self.clouds for one in self.records.active("acme", pool)]

    def set_aside(self) -> list[str]:
        """What budgets still hold back for runners that are gone."""
        return [f"{runner} in {pool}" for _, pool, runner in self.ledger.charges.keys() - self.ledger.settled.keys()]

    def faults_told(self) -> Counter[str]:
        """By kind."""
        killed = sum(self._crashes.values())
        return self.told + Counter({"Lambda killed": killed, "Lambda called twice": self.repetitions})

    def _describe(self) -> str:
        return f"live runners that were killed: {self.killed_live}\n{super()._describe()}"


class StopAsked:
    """Asks a provider's Lambda to end a machine, without waiting for it."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        assert operation == "stop"
        storm = self._storm
        event = {"operation": "stop", "runner_id": more["runner_id"]}

        def stop(actor: Actor) -> None:
            # Asked for without waiting: AWS calls again, a minute later, what failed.
            for attempt in range(3):
                try:
                    storm._provide(storm._ports(actor, f"{actor.name} {attempt}"), event)
                except (Crashed, CadenceError):
                    actor.pause(storm.clock.now + timedelta(minutes=1))
                else:
                    return

        storm.stage.enter(f"stop {more['runner_id']} {storm.clock.now}", stop)
