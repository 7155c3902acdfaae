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
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import token_hash
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.finalise import Finalise
from cadence.application.runs.pin_images import PinImages
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
from cadence.application.scheduling.execution_failed import ExecutionFailed
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.settle import Settle
from cadence.application.scheduling.stop_run import StopRun
from cadence.application.scheduling.wake_group import WakeGroup
from cadence.application.scheduling.watchdog import Watchdog
from cadence.application.shared.storage import ReserveStorage, RunStorage
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
from tests.fakes.runners import MemoryRunnerStore, MemoryStepReports, MemorySummaries
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
    MemoryStorageLedger,
    MemoryWakeUps,
    no_document,
    no_pipeline,
    no_sources,
)
from tests.fakes.streams import MemoryStreams
from tests.fakes.workers import one_by_one

RUN = "01a"
LEASE = timedelta(seconds=45)
SESSION = "a session of an agent"


def stream(producer: str, port: str = "out") -> InputSpec:
    return InputSpec(port=f"from-{producer}", flow="stream", type="byte", source_treatment=producer, source_port=port)


def on(producer: str, trigger: str) -> InputSpec:
    return InputSpec(
        port=f"{producer}-{trigger}", flow="block", type="void", source_treatment=producer, source_port=trigger
    )


def spec(name: str, *inputs: InputSpec, **fields: Any) -> TreatmentSpec:
    fields.setdefault("outputs", (OutputSpec(port="out", flow="stream", type="byte"),))
    return TreatmentSpec(name=name, run="true", inputs=inputs, **fields)


_CANCELLED = MachineError("Cancelled", "cancelled by alice")


@dataclass
class Setting:
    clock: ManualClock = field(default_factory=ManualClock)
    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    runners: MemoryRunnerStore = field(default_factory=MemoryRunnerStore)
    machines: MemoryMachines = field(default_factory=MemoryMachines)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    deadlines: MemoryDeadlines = field(default_factory=MemoryDeadlines)
    pools: MemoryPools = field(
        default_factory=lambda: MemoryPools((Pool(organization="acme", name="near", provider="host"),))
    )
    log_stream: MemoryLogStream = field(default_factory=MemoryLogStream)
    wake_ups: MemoryWakeUps = field(default_factory=MemoryWakeUps)
    chunks: MemoryChunks = field(default_factory=MemoryChunks)
    streams: MemoryStreams = field(default_factory=MemoryStreams)
    storage: MemoryStorageLedger = field(default_factory=MemoryStorageLedger)
    concurrency_limits: MemoryConcurrencyLimitStore = field(default_factory=MemoryConcurrencyLimitStore)
    quotas: MemoryQuotas = field(default_factory=MemoryQuotas)
    environments: MemoryEnvironments = field(default_factory=MemoryEnvironments)
    approval_store: MemoryApprovalStore = field(default_factory=MemoryApprovalStore)
    registries: MemoryRegistries = field(default_factory=MemoryRegistries)
    secrets: MemorySecretReader = field(default_factory=MemorySecretReader)

    def __post_init__(self) -> None:
        self.retentions = MemoryValueRetentionStore(self.runs)
        self.remove_passed = PurgeTransientValues(
            runs=self.runs,
            treatments=self.runs,
            edges=self.runs,
            retentions=self.retentions,
            remove_values=self.chunks.remove_values,
            storage=self.storage,
            deadlines=self.deadlines,
            clock=self.clock,
            workers=one_by_one,
        )
        admission = Admission(treatments=self.runs, values=self.runs, documents=self.documents, clock=self.clock)
        readiness = Readiness(
            runs=self.runs,
            treatments=self.runs,
            values=self.runs,
            edges=self.runs,
            groups=self.runs,
            machines=self.machines,
            wake_ups=self.wake_ups,
            clock=self.clock,
            workers=one_by_one,
        )
        self.readiness = readiness
        pin = PinImages(
            runs=self.runs,
            documents=self.documents,
            registries=self.registries,
            secrets=self.secrets,
            sources=no_sources(),
            resolves_loopback=True,
        )
        self.admit = Admit(
            runs=self.runs,
            admission=admission,
            readiness=readiness,
            deadlines=self.deadlines,
            log_stream=self.log_stream,
            clock=self.clock,
            pin_images=pin.pin,
        )
        concurrency_limits = ConcurrencyLimits(
            self.concurrency_limits, self.deadlines, self.clock, lambda attempt: None
        )
        self.run_gates = RunGates(
            runs=self.runs,
            machines=self.machines,
            concurrency_limits=concurrency_limits,
            quotas=self.quotas,
            clock=self.clock,
        )
        self.slots = RunnerSlots(self.runs, self.machines, concurrency_limits, self.quotas)
        self.approvals = TreatmentApprovals(
            runs=self.runs,
            treatments=self.runs,
            store=self.approval_store,
            environments=self.environments,
            machines=self.machines,
            deadlines=self.deadlines,
            clock=self.clock,
        )
        self.gates = TreatmentGates(
            runs=self.runs, treatments=self.runs, machines=self.machines, approvals=self.approvals, slots=self.slots
        )
        self.offers = MemoryOffers(self.runners)
        self.work_notification = MemoryWorkNotification()
        offer = OfferRunner(self.runs, self.runners, self.offers, self.work_notification, self.machines)
        self.refusals = Refusals(MemoryBackOffs(), self.clock)
        take_back = ReconcileLaunch(self.runners, self.machines, "provider-", self.refusals)
        self.placing = PlaceTreatment(
            treatments=self.runs, pools=self.pools, gates=self.gates, offer=offer, take_back=take_back, machines=self.machines, provider_function_prefix="provider-", clock=self.clock,
            refusals=self.refusals, engines=lambda *_: (), hosts_at_work=lambda *_: True,
        )  # fmt: skip
        self.beginning = MarkStarted(self.runs, readiness, self.machines)
        self.settling = Settle(
            ended=lambda _: None,
            treatments=self.runs,
            values=self.runs,
            runners=self.runners,
            readiness=readiness,
            slots=self.slots,
            provider_function_prefix="provider-",
            deadlines=self.deadlines,
            clock=self.clock,
        )
        sessions = RunnerSessions(self.runners)
        self.completing = Complete(
            sessions, self.runners, self.settling, self.machines, lambda _: None, MemorySummaries(), MemoryStepReports()
        )
        stop_child = StopChildRun(runs=self.runs, treatments=self.runs, deadlines=self.deadlines)
        end = EndTreatment(
            treatments=self.runs,
            runners=self.runners,
            machines=self.machines,
            slots=self.slots,
            wake_ups=self.wake_ups,
            stop_child=stop_child,
            clock=self.clock,
        )
        self.stop_run = StopRun(
            runs=self.runs,
            treatments=self.runs,
            admission=admission,
            end=end,
            machines=self.machines,
            readiness=readiness,
            clock=self.clock,
        )
        storage = RunStorage(self.runs, ReserveStorage(self.storage, 1 << 40, self.clock))
        elements = EachItems(
            treatments=self.runs, values=self.runs, streams=self.streams, chunks=self.chunks, storage=storage
        )
        grow = ExpandEach(
            runs=self.runs,
            treatments=self.runs,
            groups=self.runs,
            elements=elements,
            machines=self.machines,
            clock=self.clock,
        )
        gather = CollectOutputs(self.runs, self.chunks, self.retentions, storage, self.clock)
        start = StartRun(self.runs, self.run_gates, self.deadlines, self.clock)
        rerun = Rerun(treatments=self.runs, values=self.runs, documents=self.documents, chunks=self.chunks)
        self.resume = ResumeChildRun(self.runs, self.documents, rerun)
        self.start_child = StartChildRun(
            runs=self.runs,
            values=self.runs,
            freeze=no_pipeline,
            plan=PlanRun(self.documents),
            plan_generated=no_document,
            resume=self.resume,
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
            clock=self.clock,
        )
        self.wake = WakeGroup(treatments=self.runs, groups=self.runs, grow=grow, end=end, readiness=readiness)
        self.ended: list[Run] = []
        self.finalise = Finalise(
            runs=self.runs,
            treatments=self.runs,
            gates=self.run_gates,
            deadlines=self.deadlines,
            tell=self.ended.append,
            clock=self.clock,
        )
        self.watchdog = Watchdog(
            runs=self.runs,
            treatments=self.runs,
            runners=self.runners,
            runners_of=self.runners.get_runners,
            machines=self.machines,
            deadlines=self.deadlines,
            settle=self.settling,
            finalise=self.finalise,
            gates=self.run_gates,
            slots=self.slots,
            approvals=self.approvals,
            end_process=EndProcess(runs=self.runs, treatments=self.runs, reported=MemoryReported(), clock=self.clock),
            clock=self.clock,
            unclaimed_offers=lambda _: None,
        )
        self.execution_failed = ExecutionFailed(self.runs, self.machines, self.settling, self.finalise)

    def create(self, *specs: TreatmentSpec, max_duration: int = 600) -> None:
        plan_sha256 = self.documents.put(plan.encode(specs))
        self.runs.create_run(
            Run(
                run_id=RUN,
                organization="acme",
                project="site",
                pipeline="build",
                state=RunState.PENDING,
                created_at=self.clock.now,
                document_sha256="d" * 64,
                plan_sha256=plan_sha256,
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
            pool=runner.pool,
            provider=runner.provider,
            function=f"provider-{HOST}",
            runner_id=runner.runner_id,
            attempt=attempt,
            boot_deadline=runner.boot_deadline,
            reason="",
            decided_at=self.clock.now,
        )

    def launched(self, name: str, state: RunnerState = RunnerState.BOOTING, **fields: Any) -> Runner:
        """Placed, and its runner asked for."""
        placement = self.place(name)
        runner = Runner(
            runner_id=placement.runner_id, run_id=RUN, treatment=name, attempt=placement.attempt, organization="acme", project="site", pool=placement.pool, provider=placement.provider,
            state=state, created_at=self.clock.now, task_token=self.token(name),
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
            session_hash=token_hash(SESSION),
            lease_until=self.clock.now + LEASE,
            deadline=self.clock.now + timedelta(seconds=300),
        )

    def hand_in(self, runner: Runner, result: RunnerResult) -> None:
        """The agent of `runner` hands in its result."""
        self.completing.complete(runner.runner_id, f"Bearer {SESSION}", result)

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
            self.runners.put_output(
                runner_id, OutputStream(port="out", committed=1, size=3, ended=True, sha256="a" * 64, preview=b"abc")
            )
        exit_code = 0 if outcome is RunnerOutcome.SUCCEEDED else 1
        return self.runners.complete(runner_id, RunnerResult(outcome=outcome, exit_code=exit_code, error=error))

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

    def stop(self, token: str = "stop-token", error: MachineError = _CANCELLED) -> None:
        self.stop_run.stop(RUN, token, error)
