"""A run among machines, providers, agents and watchdogs that are interrupted, repeated and late."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cadence.application.limits.approvals import TreatmentApprovals
from cadence.application.limits.concurrency_limits import ConcurrencyLimits
from cadence.application.limits.run_gates import RunGates
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.limits.treatment_gates import TreatmentGates
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.offer import OfferRunner
from cadence.application.placement.place import PlaceTreatment
from cadence.application.placement.reconcile_launch import FailedLaunch, ReconcileLaunch
from cadence.application.placement.unclaimed_offers import UnclaimedOffers
from cadence.application.runners.complete import Complete
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.finalise import Finalise
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.resume_child_run import ResumeChildRun
from cadence.application.runs.start_child_run import StartChildRun
from cadence.application.runs.start_run import StartRun
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.admit import Admission, Admit
from cadence.application.scheduling.collect_outputs import CollectOutputs
from cadence.application.scheduling.control_treatment import ControlTreatment
from cadence.application.scheduling.each_items import EachItems
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.settle import Settle
from cadence.application.scheduling.stop_run import StopRun
from cadence.application.scheduling.wake_group import WakeGroup
from cadence.application.scheduling.watchdog import Watchdog
from cadence.application.shared.runner_ports import Host
from cadence.application.shared.storage import ReserveStorage, RunStorage
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.placement.pool import HOST, Placement, Pool
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import Run, first_look
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.scheduling.machine_step import MachineStep, NextState
from cadence.domain.shared.errors import CadenceError, Cancelled, CapacityExhausted, Conflict, RunnerLost, Transient
from tests.fakes.back_offs import MemoryBackOffs
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore
from tests.fakes.gates import MemoryApprovalStore, MemoryEnvironments, MemoryQuotas
from tests.fakes.melodium import MemoryReported
from tests.fakes.offers import MemoryOffers, MemoryWorkNotification
from tests.fakes.retentions import MemoryValueRetentionStore
from tests.fakes.runners import MemoryRunnerStore, MemoryStepReports, MemorySummaries
from tests.fakes.runs import MemoryRunStore
from tests.fakes.services import (
    ManualClock,
    MemoryChunks,
    MemoryDocuments,
    MemoryLogStream,
    MemoryMachines,
    MemoryPools,
    MemoryStorageLedger,
    no_document,
    no_pipeline,
)
from tests.fakes.streams import MemoryStreams
from tests.fakes.workers import one_by_one
from tests.unit.scheduling.simulation.agent import Agent
from tests.unit.scheduling.simulation.machine import Execution
from tests.unit.scheduling.simulation.stage import Actor, Crashed, Stage, Watched

RUN = "01jd0000000000000000000000"
POOLS = (
    Pool(organization="acme", name="near", provider="here", boot_deadline=120),
    Pool(organization="acme", name="far", provider="there", boot_deadline=120),
    Pool(organization="acme", name="own", provider=HOST, boot_deadline=120),
)
LONGEST_DELAY = timedelta(seconds=900)  # of an SQS message
LONGEST_RUN = timedelta(hours=6)  # before its deadline, so that nothing is saved by it
CRASHES_PER_STEP = 3  # fewer than any Retry of the machines allows

Play = Callable[[Actor], None]
Event = Mapping[str, Any]


class StartingMachines(MemoryMachines):
    """Starts a simulated execution for each name once."""

    def __init__(self, begin: Callable[[str, str, dict[str, Any]], None]) -> None:
        super().__init__()
        self._begin = begin

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        if run_id not in self.runs:
            super().start_run(run_id, deadline_seconds, execution)
            self._begin("run", run_id, {"run_id": run_id, "deadline_seconds": deadline_seconds})

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        if (run_id, treatment) not in self.treatments:
            super().start_treatment(run_id, treatment)
            data = {"run_id": run_id, "treatment": treatment, "kind": str(kind), "attempt": 1}
            self._begin("treatment", treatment, data)


@dataclass
class Faults:
    """How likely, per port call: that the caller's process ends; per invocation: that it happens twice."""

    crash: float = 0.0
    twice: float = 0.0


@dataclass
class World:
    """`scripts` say how each attempt of each treatment goes; the last word repeats."""

    specs: Sequence[TreatmentSpec]
    scripts: Mapping[str, Sequence[str]]
    random: Random
    faults: Faults = field(default_factory=Faults)
    pools: Sequence[Pool] = POOLS
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.stage = Stage(self.random, self.clock, LONGEST_RUN)
        self.runs = MemoryRunStore()
        self.runners = MemoryRunnerStore()
        self.offers = SimulatedOffers(self)
        self.work_notification = MemoryWorkNotification()
        # Clouds only, hosts only, or one after the other when there is no room.
        if self.pools is POOLS:
            self.pools = self.random.choice((POOLS, POOLS[:2], POOLS[2:], POOLS[::-1]))
        self.documents = MemoryDocuments()
        self.storage_ledger = MemoryStorageLedger()
        self.chunks = MemoryChunks()
        self.streams = MemoryStreams()
        self.concurrency_limits = MemoryConcurrencyLimitStore()
        self.approvals = MemoryApprovalStore()
        self.quotas = MemoryQuotas()
        self.back_offs = MemoryBackOffs()
        self.machines = StartingMachines(self._begin)
        self.executions: list[Execution] = []
        self.claims: Counter[str] = Counter()
        self.stopped: set[str] = set()
        self.repetitions = 0
        self._crashes: Counter[str] = Counter()
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        self._launched: set[str] = set()
        self._repeated: set[str] = set()
        run = Run(
            run_id=RUN,
            organization="acme",
            project="site",
            pipeline="build",
            state=RunState.PENDING,
            created_at=self.clock.now,
            document_sha256="0" * 64,
            plan_sha256=self.documents.put(plan.encode(self.specs)),
        )
        self.runs.create_run(run)

    def play(self, cancel_after: int | None = None) -> None:
        """Until every machine has ended. Raises Stuck, or what code under test raised against its contract."""
        SimulatedDeadlines(self).watch_run(RUN, first_look(86_400))
        self.machines.start_run(RUN, 86_400)
        if cancel_after is not None:
            self.stage.enter("cancel", lambda actor: self._cancel(actor, cancel_after))
        self.stage.play(self._over, self._describe)

    def at_work(self, organization: str, pool: str, engine: str | None = None) -> Sequence[Host]:
        """The machine that takes whatever is offered."""
        return [
            Host(
                host_id="host",
                organization=organization,
                pool=pool,
                name="host",
                slots=1,
                token_hash="",
                joined_at=self.clock.now,
                last_seen=self.clock.now,
            )
        ]

    def _over(self) -> bool:
        """Whether every machine has ended, and the watchdog has removed those that ended while they waited."""
        return all(execution.status != "RUNNING" for execution in self.executions) and not any(
            limit.lanes for limit in self.concurrency_limits.concurrency_limits.values()
        )

    # what the Lambdas do

    def _begin(self, machine: str, name: str, data: dict[str, Any]) -> None:
        execution = Execution(machine, name, data, self._functions(), self.machines, self.clock)
        self.executions.append(execution)
        self.stage.enter(f"{machine} {name}", execution.play)

    def _functions(self) -> Mapping[str, Callable[[Actor, Event], Any]]:
        lambdas: dict[str, Callable[[Ports, Event], Any]] = {
            "AdmitFunctionArn": lambda p, e: p.admit.admit(e["run_id"], e["task_token"]),
            "StopRunFunctionArn": lambda p, e: p.stop_run.stop(e["run_id"], e["task_token"], _caught(e["error"])),
            "ActFunctionArn": lambda p, e: p.act.control(e["run_id"], e["treatment"], e["task_token"]),
            "PlaceFunctionArn": _place,
            "SettleFunctionArn": _settle,
            **{f"provider-{pool.provider}": self._provide for pool in POOLS},
        }
        return {name: self._invocation(name, task) for name, task in lambdas.items()}

    def _invocation(self, name: str, task: Callable[["Ports", Event], Any]) -> Callable[[Actor, Event], Any]:
        def invoke(actor: Actor, event: Event) -> Any:
            if self.random.random() < self.faults.twice:
                self.repetitions += 1
                self.stage.enter(f"{name} again", lambda double: again(double, event))
            return task(self._ports(actor, actor.name + name), event)

        def again(actor: Actor, event: Event) -> None:
            try:
                task(self._ports(actor, actor.name), event)
            except CadenceError as error:
                if "task_token" in event:
                    self.machines.fail(event["task_token"], error)

        return invoke

    def _ports(self, actor: Actor, step: str) -> "Ports":
        """For one process; it may end early if it has a `step` (an agent ends by its script only)."""

        def perils() -> bool:
            if not step or self._crashes[step] >= CRASHES_PER_STEP or self.random.random() >= self.faults.crash:
                return False
            self._crashes[step] += 1
            return True

        return Ports(self, lambda port: Watched(port, actor, perils))

    def _provide(self, ports: "Ports", event: Event) -> None:
        if event["operation"] == "stop":
            with suppress(Conflict):
                live = {RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED, RunnerState.COMPLETED}
                ports.runners.change_runner(event["runner_id"], live, state=RunnerState.RELEASED)
            self.stopped.add(event["runner_id"])
            return
        placement = event["placement"]
        script = self._script(event["treatment"], placement["attempt"])
        refused = self._refused[placement["runner_id"]]
        if script == "no room" and (event["task_token"] in refused or len(refused) < len(self.pools)):
            refused.add(event["task_token"])
            raise CapacityExhausted(f"no room in {placement['pool']}")
        self._start(ports, event)

    def _start(self, ports: "Ports", event: Event) -> None:
        placement = event["placement"]
        runner_id = placement["runner_id"]
        ports.deadlines.watch_runner(runner_id, timedelta(seconds=placement["boot_deadline"]), event["task_token"])
        runner = ports.runners.put_runner(
            Runner(
                runner_id=runner_id,
                run_id=event["run_id"],
                treatment=event["treatment"],
                attempt=placement["attempt"],
                organization="acme",
                project="site",
                pool=placement["pool"],
                provider=placement["provider"],
                state=RunnerState.OFFERED if placement["provider"] == "there" else RunnerState.BOOTING,
                created_at=self.clock.now,
                boot_deadline=placement["boot_deadline"],
                task_token=event["task_token"],
                placed_at=Placement.from_json(placement).decided_at,
            )
        )
        run = ports.runs.get_run(event["run_id"])
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or "stopped")
        if runner.result is not None:
            ended = MachineStep(
                next=NextState.SETTLE, attempt=runner.attempt, function=placement["function"], runner_id=runner_id
            )
            ports.machines.proceed(event["task_token"], ended)
        elif not runner.state.live:
            raise RunnerLost(f"runner {runner_id} is {runner.state}")
        else:
            self.send_agent(runner)

    def send_agent(self, runner: Runner) -> None:
        """Once for each runner."""
        if runner.runner_id in self._launched:
            return
        self._launched.add(runner.runner_id)
        spec = self.runs.get_spec(runner.run_id, runner.treatment)
        script = self._script(runner.treatment, runner.attempt)
        agent = Agent(runner, spec, script, self.clock, self.claims)
        name = f"agent {runner.runner_id}"
        self.stage.enter(name, lambda actor: agent.play(actor, self._ports(actor, ""), self._ports(actor, name)))

    def _script(self, treatment: str, attempt: int) -> str:
        script = self.scripts[treatment.partition(":")[0] if treatment not in self.scripts else treatment]
        return script[min(attempt, len(script)) - 1]

    # what happens from outside

    def _cancel(self, actor: Actor, after: int) -> None:
        for _ in range(after):
            actor.pause()
        ports = self._ports(actor, actor.name)
        with suppress(Conflict):
            run = ports.runs.request_stop(RUN, RunState.CANCELLED, "cancelled by alice")
            if run.machine_token:
                ports.machines.fail(run.machine_token, Cancelled(run.cause or ""))

    def wake_group(self, run_id: str, group: str, failed: bool) -> None:
        for _ in range(2 if self.random.random() < self.faults.twice else 1):
            self.stage.enter(f"wake {group}", lambda actor: self._wake(actor, run_id, group, failed))

    def _wake(self, actor: Actor, run_id: str, group: str, failed: bool) -> None:
        due: datetime | None = None
        while True:
            actor.pause(due)
            try:
                self._ports(actor, actor.name).wake.wake(run_id, group, failed=failed)
            except (Crashed, Transient):
                due = self.clock.now + timedelta(seconds=30)  # the message comes again
            else:
                return

    def wake_watchdog(self, look: str, subject: str, after: timedelta, *more: object) -> None:
        due = self.clock.now + min(after, LONGEST_DELAY)
        repeated = subject not in self._repeated and self.random.random() < self.faults.twice
        if repeated:
            self._repeated.add(subject)
        for _ in range(2 if repeated else 1):
            self.stage.enter(f"watchdog {subject}", lambda actor: self._watch(actor, look, due, subject, *more))

    def _watch(self, actor: Actor, look: str, due: datetime, *subject: object) -> None:
        while True:
            actor.pause(due)
            try:
                getattr(self._ports(actor, actor.name).watchdog, look)(*subject)
            except Crashed:
                due = self.clock.now + timedelta(seconds=30)  # the message comes again
            else:
                return

    def _describe(self) -> str:
        run = self.runs.get_run(RUN)
        lines = [f"{run.state} unsettled={self.runs.count_unsettled(RUN)} stop={run.stop_requested}"]
        lines += [
            f"{t.name}: {t.state} waiting={t.waiting} attempt={t.attempt}" for t in self.runs.list_treatments(RUN)
        ]
        lines += [f"machine {e.machine} {e.name}: {e.status}" for e in self.executions if e.status == "RUNNING"]
        lines += [f"runner {r.runner_id}: {r.state} {r.cancel_reason}" for r in self.runners.runners.values()]
        return "\n".join(lines)


class SimulatedWakeUps:
    def __init__(self, world: World) -> None:
        self._world = world

    def wake(self, run_id: str, group: str, *, failed: bool = False) -> None:
        self._world.wake_group(run_id, group, failed)


class SimulatedDeadlines:
    def __init__(self, world: World) -> None:
        self._world = world

    def watch_run(self, run_id: str, after: timedelta, *, admitted: bool = False) -> None:
        self._world.wake_watchdog("run", run_id, after, admitted)

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        self._world.wake_watchdog("runner", runner_id, after, task_token)

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None:
        self._world.wake_watchdog("concurrency_limit", scope, after)


class SimulatedOffers(MemoryOffers):
    """A host takes whatever is offered."""

    def __init__(self, world: World) -> None:
        super().__init__(world.runners)
        self._world = world

    def put_offer(self, runner: Runner, at: datetime) -> None:
        super().put_offer(runner, at)
        self._world.send_agent(runner)


class Ports:
    """The use cases, wired for one invocation."""

    def __init__(self, world: World, watched: Callable[[Any], Any]) -> None:
        self.watched = watched
        self.runs = watched(world.runs)
        self.runners = watched(world.runners)
        self.machines = watched(world.machines)
        self.deadlines = watched(SimulatedDeadlines(world))
        self.put_output = world.runners.put_output
        clock = world.clock
        admission = Admission(treatments=self.runs, values=self.runs, documents=world.documents, clock=clock)
        self.wake_ups = watched(SimulatedWakeUps(world))
        self.chunks = watched(world.chunks)
        self.streams = world.streams
        readiness = Readiness(
            runs=self.runs,
            treatments=self.runs,
            values=self.runs,
            edges=self.runs,
            groups=self.runs,
            machines=self.machines,
            wake_ups=self.wake_ups,
            clock=clock,
            workers=one_by_one,
        )
        self.admit = Admit(
            runs=self.runs,
            admission=admission,
            readiness=readiness,
            deadlines=self.deadlines,
            log_stream=MemoryLogStream(),
            clock=clock,
            pin_images=lambda run: run,
        )
        concurrency_limits = ConcurrencyLimits(
            watched(world.concurrency_limits), self.deadlines, clock, lambda attempt: None
        )
        run_gates = RunGates(
            runs=self.runs,
            machines=self.machines,
            concurrency_limits=concurrency_limits,
            quotas=world.quotas,
            clock=clock,
        )
        slots = RunnerSlots(self.runs, self.machines, concurrency_limits, world.quotas)
        approvals = TreatmentApprovals(
            runs=self.runs,
            treatments=self.runs,
            store=watched(world.approvals),
            environments=MemoryEnvironments(),
            machines=self.machines,
            deadlines=self.deadlines,
            clock=clock,
        )
        self.gates = TreatmentGates(
            runs=self.runs, treatments=self.runs, machines=self.machines, approvals=approvals, slots=slots
        )
        offer = OfferRunner(self.runs, self.runners, watched(world.offers), world.work_notification, self.machines)
        pools = MemoryPools(world.pools)
        refusals = Refusals(watched(world.back_offs), clock)
        take_back = ReconcileLaunch(self.runners, self.machines, "provider-", refusals)
        self.place = PlaceTreatment(
            treatments=self.runs,
            pools=pools,
            gates=self.gates,
            offer=offer,
            take_back=take_back,
            machines=self.machines,
            provider_function_prefix="provider-",
            clock=clock,
            refusals=refusals,
            engines=lambda *_: (),
            hosts_at_work=world.at_work,
        )
        self.begin = MarkStarted(self.runs, readiness, self.machines)
        self.settle = Settle(
            ended=lambda _: None,
            treatments=self.runs,
            values=self.runs,
            runners=self.runners,
            readiness=readiness,
            slots=slots,
            provider_function_prefix="provider-",
            deadlines=self.deadlines,
            clock=clock,
        )
        sessions = RunnerSessions(self.runners)
        self.complete = Complete(
            sessions, self.runners, self.settle, self.machines, lambda _: None, MemorySummaries(), MemoryStepReports()
        )
        stop_child = StopChildRun(runs=self.runs, treatments=self.runs, deadlines=self.deadlines)
        end = EndTreatment(
            treatments=self.runs,
            runners=self.runners,
            machines=self.machines,
            slots=slots,
            wake_ups=self.wake_ups,
            stop_child=stop_child,
            clock=clock,
        )
        self.stop_run = StopRun(
            runs=self.runs,
            treatments=self.runs,
            admission=admission,
            end=end,
            machines=self.machines,
            readiness=readiness,
            clock=clock,
        )
        storage = RunStorage(self.runs, ReserveStorage(world.storage_ledger, 1 << 40, clock))
        grow = ExpandEach(
            runs=self.runs,
            treatments=self.runs,
            groups=self.runs,
            elements=EachItems(
                treatments=self.runs, values=self.runs, streams=self.streams, chunks=self.chunks, storage=storage
            ),
            machines=self.machines,
            clock=clock,
        )
        gather = CollectOutputs(self.runs, self.chunks, MemoryValueRetentionStore(world.runs), storage, clock)
        start = StartRun(self.runs, run_gates, self.deadlines, clock)
        rerun = Rerun(treatments=self.runs, values=self.runs, documents=world.documents, chunks=self.chunks)
        self.start_child = StartChildRun(
            runs=self.runs,
            values=self.runs,
            freeze=no_pipeline,
            plan=PlanRun(world.documents),
            plan_generated=no_document,
            resume=ResumeChildRun(self.runs, world.documents, rerun),
            start=start,
        )
        self.act = ControlTreatment(
            runs=self.runs,
            treatments=self.runs,
            values=self.runs,
            groups=self.runs,
            gather=gather,
            grow=grow,
            start_child=self.start_child,
            stop_child=stop_child,
            readiness=readiness,
            machines=self.machines,
            deadlines=self.deadlines,
            clock=clock,
        )
        self.wake = WakeGroup(treatments=self.runs, groups=self.runs, grow=grow, end=end, readiness=readiness)
        self.finalise = Finalise(
            runs=self.runs,
            treatments=self.runs,
            gates=run_gates,
            deadlines=self.deadlines,
            tell=lambda run: None,
            clock=clock,
        )
        self.watchdog = Watchdog(
            runs=self.runs,
            treatments=self.runs,
            runners=self.runners,
            runners_of=self.runners.get_runners,
            machines=self.machines,
            deadlines=self.deadlines,
            settle=self.settle,
            finalise=self.finalise,
            gates=run_gates,
            slots=slots,
            approvals=approvals,
            end_process=EndProcess(runs=self.runs, treatments=self.runs, reported=MemoryReported(), clock=clock),
            clock=clock,
            unclaimed_offers=UnclaimedOffers(
                treatments=self.runs,
                pools=pools,
                offers=watched(world.offers),
                clock=clock,
                at_work=world.at_work,
                engines=lambda organization, pool: (),
            ).check,
        )


def _caught(error: Mapping[str, str]) -> MachineError:
    return MachineError.caught(error) or MachineError("InternalError", "")


def _place(ports: Ports, event: Event) -> None:
    if event.get("operation") == "wait":
        ports.gates.wait(event["run_id"], event["treatment"], event["task_token"])
        return
    state = event["state"]
    ports.place.place(
        event["run_id"], event["treatment"], state["attempt"], event["task_token"], FailedLaunch.of(state)
    )


def _settle(ports: Ports, event: Event) -> Mapping[str, Any]:
    if event.get("operation") == "finalise":
        return {"state": str(ports.finalise.finalise(event["run_id"]).state)}
    error = MachineError.caught(event.get("error"))
    return ports.settle.settle(event["run_id"], event["treatment"], event["attempt"], error).as_json()
