"""A run with its use cases over the ports in memory."""

import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
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
from cadence.application.runners.complete import Complete
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.finalise import Finalise
from cadence.application.runs.pin_images import PinImages
from cadence.application.runs.start_child_run import StartChildRun
from cadence.application.runs.start_run import StartRun
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.admit import Admission, Admit
from cadence.application.scheduling.collect_outputs import CollectOutputs
from cadence.application.scheduling.control_treatment import ControlTreatment
from cadence.application.scheduling.each_items import EachItems
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.execution_failed import ExecutionFailed
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.settle import Settle
from cadence.application.scheduling.stop_run import StopRun
from cadence.application.scheduling.wake_group import WakeGroup
from cadence.application.scheduling.watchdog import Watchdog
from cadence.application.values.purge_transient_values import PurgeTransientValues
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentSpec
from cadence.domain.placement.pool import HOST, Placement, Pool
from cadence.domain.runners.runner import OutputStream, Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared import ids
from cadence.domain.shared.errors import CadenceError
from tests.fakes.back_offs import MemoryBackOffs
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore
from tests.fakes.gates import MemoryApprovalStore, MemoryEnvironments, MemoryQuotas
from tests.fakes.melodium import MemoryReported
from tests.fakes.offers import MemoryOffers, MemoryWorkNotification
from tests.fakes.retentions import MemoryValueRetentionStore
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.runs import MemoryRunStore
from tests.fakes.services import (
    ManualClock,
    MemoryChunks,
    MemoryDeadlines,
    MemoryDocuments,
    MemoryLogStream,
    MemoryMachines,
    MemoryPools,
    MemoryRegistries,
    MemorySecretReader,
    MemoryWakeUps,
    no_pipeline,
)
from tests.fakes.streams import MemoryStreams
from tests.fakes.workers import one_by_one

RUN = "01a"
LEASE = timedelta(seconds=45)


def stream(producer: str, port: str = "out") -> InputSpec:
    return InputSpec(f"from-{producer}", "stream", "byte", producer, port)


def on(producer: str, trigger: str) -> InputSpec:
    return InputSpec(f"{producer}-{trigger}", "block", "void", producer, trigger)


def spec(name: str, *inputs: InputSpec, **fields: Any) -> TreatmentSpec:
    fields.setdefault("outputs", (OutputSpec("out", "stream", "byte"),))
    return TreatmentSpec(name=name, run="true", inputs=inputs, **fields)


@dataclass
class Setting:
    clock: ManualClock = field(default_factory=ManualClock)
    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    runners: MemoryRunnerStore = field(default_factory=MemoryRunnerStore)
    machines: MemoryMachines = field(default_factory=MemoryMachines)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    deadlines: MemoryDeadlines = field(default_factory=MemoryDeadlines)
    pools: MemoryPools = field(default_factory=lambda: MemoryPools((Pool("acme", "near", "host"),)))
    log_stream: MemoryLogStream = field(default_factory=MemoryLogStream)
    wake_ups: MemoryWakeUps = field(default_factory=MemoryWakeUps)
    chunks: MemoryChunks = field(default_factory=MemoryChunks)
    streams: MemoryStreams = field(default_factory=MemoryStreams)
    concurrency_limits: MemoryConcurrencyLimitStore = field(default_factory=MemoryConcurrencyLimitStore)
    quotas: MemoryQuotas = field(default_factory=MemoryQuotas)
    environments: MemoryEnvironments = field(default_factory=MemoryEnvironments)
    approval_store: MemoryApprovalStore = field(default_factory=MemoryApprovalStore)
    registries: MemoryRegistries = field(default_factory=MemoryRegistries)
    secrets: MemorySecretReader = field(default_factory=MemorySecretReader)

    def __post_init__(self) -> None:
        self.retentions = MemoryValueRetentionStore(self.runs)
        self.remove_passed = PurgeTransientValues(
            self.runs, self.retentions, self.chunks.remove, self.deadlines, self.clock, one_by_one
        )
        admission = Admission(self.runs, self.documents, self.clock)
        readiness = Readiness(self.runs, self.runs, self.machines, self.wake_ups, self.clock, one_by_one)
        self.readiness = readiness
        pin = PinImages(self.runs, self.documents, self.registries, self.secrets, resolves_loopback=True)
        self.admit = Admit(self.runs, admission, readiness, self.deadlines, self.log_stream, self.clock, pin.pin)
        concurrency_limits = ConcurrencyLimits(
            self.concurrency_limits, self.deadlines, self.clock, lambda attempt: None
        )
        self.run_gates = RunGates(self.runs, self.machines, concurrency_limits, self.quotas, self.clock)
        self.slots = RunnerSlots(self.runs, self.machines, concurrency_limits, self.quotas)
        self.approvals = TreatmentApprovals(
            self.runs, self.approval_store, self.environments, self.machines, self.deadlines, self.clock
        )
        self.gates = TreatmentGates(self.runs, self.machines, self.approvals, self.slots)
        self.offers = MemoryOffers(self.runs, self.runners)
        offer = OfferRunner(self.runners, self.offers, MemoryWorkNotification(), self.machines)
        self.refusals = Refusals(MemoryBackOffs(), self.clock)
        take_back = ReconcileLaunch(self.runners, self.machines, "provider-", self.refusals)
        self.placing = PlaceTreatment(
            self.runs, self.pools, self.gates, offer, take_back, self.machines, self.deadlines, "provider-", self.clock,
            self.refusals,
        )  # fmt: skip
        self.beginning = MarkStarted(self.runs, readiness, self.machines)
        self.settling = Settle(
            self.runs, self.runners, readiness, self.slots, self.runs.get_spec, "provider-", self.deadlines, self.clock
        )
        self.completing = Complete(self.runners, self.settling, self.machines, lambda _: None)
        stop_child = StopChildRun(self.runs, self.deadlines)
        end = EndTreatment(self.runs, self.runners, self.machines, self.slots, self.wake_ups, stop_child, self.clock)
        self.stop_run = StopRun(self.runs, admission, end, self.machines, readiness)
        elements = EachItems(self.runs, self.streams, self.chunks)
        grow = ExpandEach(self.runs, self.runs, elements, self.machines, self.clock)
        gather = CollectOutputs(self.runs, self.chunks, self.retentions, self.clock)
        start = StartRun(self.runs, self.run_gates, self.deadlines, self.clock)
        self.start_child = StartChildRun(self.runs, no_pipeline, PlanRun(self.documents), start)
        self.act = ControlTreatment(
            self.runs,
            self.runs,
            gather,
            grow,
            self.start_child,
            stop_child,
            readiness,
            self.machines,
            self.deadlines,
            self.clock,
        )
        self.wake = WakeGroup(self.runs, self.runs, grow, end, readiness)
        self.ended: list[Run] = []
        self.finalise = Finalise(self.runs, self.run_gates, self.deadlines, self.ended.append, self.clock)
        self.watchdog = Watchdog(
            self.runs,
            self.runners,
            self.machines,
            self.deadlines,
            self.settling,
            self.finalise,
            self.run_gates,
            self.slots,
            self.approvals,
            EndProcess(self.runs, MemoryReported(), self.clock),
            self.clock,
        )
        self.execution_failed = ExecutionFailed(self.runs, self.machines, self.settling, self.finalise)

    def create(self, *specs: TreatmentSpec, max_duration: int = 600) -> None:
        plan_sha256 = self.documents.put(plan.encode(specs))
        self.runs.create_run(
            Run(
                RUN,
                "acme",
                "site",
                "build",
                RunState.PENDING,
                self.clock.now,
                "d" * 64,
                plan_sha256,
                max_duration=max_duration,
            )
        )

    def admitted(self, *specs: TreatmentSpec) -> None:
        self.create(*specs)
        self.admit.admit(RUN, "run-token")

    def treatment(self, name: str) -> Treatment:
        return self.runs.get_treatment(RUN, name)

    def state(self, name: str) -> TreatmentState:
        return self.treatment(name).state

    def started(self) -> list[str]:
        return [name for _, name in self.machines.treatments]

    def token(self, name: str, attempt: int | None = None) -> str:
        """What the machine of a treatment waits on during an attempt (the current one if none is given)."""
        return f"{name}-{attempt or self.treatment(name).attempt}"

    def place(
        self, name: str, refused: Placement | None = None, error: str = "CapacityExhausted", words: str = "full"
    ) -> Placement:
        """Places the current attempt; for a cloud, the answer of the machine's token is taken off it."""
        attempt, token = self.treatment(name).attempt, self.token(name)
        self.placing.place(
            RUN, name, attempt, token, FailedLaunch(refused, MachineError(error, words)) if refused else None
        )
        answer = self.machines.answers.pop(token, None)
        if answer is not None and not isinstance(answer, CadenceError):
            return Placement.from_json(answer["placement"])
        runner = self.runners.get_runner(ids.runner_id(RUN, name, attempt))
        return Placement(
            runner.pool,
            runner.provider,
            f"provider-{HOST}",
            runner.runner_id,
            attempt,
            runner.boot_deadline,
            "",
            self.clock.now,
        )

    def launched(self, name: str, state: RunnerState = RunnerState.BOOTING, **fields: Any) -> Runner:
        """Placed, and its runner asked for."""
        placement = self.place(name)
        runner = Runner(
            placement.runner_id, RUN, name, placement.attempt, "acme", "site", placement.pool, placement.provider,
            state, self.clock.now, task_token=self.token(name),
        )  # fmt: skip
        self.runners.runners.pop(placement.runner_id, None)
        self.deadlines.runners.clear()
        return self.runners.put_runner(dataclasses.replace(runner, **fields))

    def claimed(self, name: str) -> Runner:
        runner = self.launched(name)
        return self.runners.change_runner(
            runner.runner_id,
            {RunnerState.BOOTING},
            state=RunnerState.CLAIMED,
            claimed_at=self.clock.now,
            lease_until=self.clock.now + LEASE,
            deadline=self.clock.now + timedelta(seconds=300),
        )

    def running(self, name: str) -> Runner:
        runner = self.claimed(name)
        self.beginning.mark(runner, self.runs.get_spec(RUN, name))
        return self.runners.get_runner(runner.runner_id)

    def settle(self, name: str, attempt: int | None, error: MachineError | None = None) -> str:
        """Settles as the treatment's machine does; what follows, once the runner is released if it has to be."""
        step = self.settling.settle(RUN, name, attempt, error)
        return str(step.then or step.next)

    def complete(
        self,
        name: str,
        outcome: RunnerOutcome = RunnerOutcome.SUCCEEDED,
        error: str | None = None,
        *,
        outputs: bool = True,
    ) -> Runner:
        runner_id = ids.runner_id(RUN, name, self.treatment(name).attempt)
        if outputs:
            self.runners.put_output(runner_id, OutputStream("out", 1, 3, ended=True, sha256="a" * 64, preview=b"abc"))
        exit_code = 0 if outcome is RunnerOutcome.SUCCEEDED else 1
        return self.runners.complete(runner_id, RunnerResult(outcome, exit_code=exit_code, error=error))

    def done(self, name: str, outcome: RunnerOutcome = RunnerOutcome.SUCCEEDED, error: str | None = None) -> str:
        """Runs the treatment's current attempt to its end and settles it."""
        attempt = self.treatment(name).attempt
        self.running(name)
        self.complete(name, outcome, error)
        return self.settle(name, attempt)

    def failed_with(self, name: str, error: str, cause: str = "why") -> str:
        return self.settle(name, self.treatment(name).attempt, MachineError(error, cause))

    def cancel(self) -> None:
        self.runs.request_stop(RUN, RunState.CANCELLED, "cancelled by alice")

    def stop(self, token: str = "stop-token") -> None:
        self.stop_run.stop(RUN, token, MachineError("Cancelled", "cancelled by alice"))
