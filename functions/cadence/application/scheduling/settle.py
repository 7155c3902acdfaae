"""Ends attempts: starts another attempt, or gives the treatment its final state, its values, and notifies consumers."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, TreatmentContext, TreatmentStore, ValueStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.placement.pool import HOST, provider_function
from cadence.domain.runners.runner import OutputStream, Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment, Value
from cadence.domain.runs.soft_failures import soft_failed
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling import retrying
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.scheduling.machine_step import MachineStep, NextState, after_release, settling
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, NotFound

_LIVE = frozenset({TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING, TreatmentState.RUNNING})
# What a machine's error means for the treatment; any other error counts as lost, and may be tried again.
_FINAL_ERRORS = {
    "Cancelled": TreatmentState.CANCELLED,
    "TimedOut": TreatmentState.TIMED_OUT,
    "ProviderRejected": TreatmentState.FAILED,
    "CannotRun": TreatmentState.FAILED,
    "NotApproved": TreatmentState.FAILED,
}
# Errors that another attempt would meet again.
_LASTING_ERRORS = frozenset({"ProviderRejected", "CannotRun", "NotApproved", "NotReady"})
# States in which a treatment ends because it is cancelled.
_NOT_OF_ITSELF = frozenset({TreatmentState.LOST, TreatmentState.CANCELLED, TreatmentState.INTERRUPTED})
# A runner's own call settles no more consumers than this; its machine has more time.
_QUICK = 25
_OUTCOMES = {
    RunnerOutcome.SUCCEEDED: TreatmentState.SUCCEEDED,
    RunnerOutcome.FAILED: TreatmentState.FAILED,
    RunnerOutcome.INFRASTRUCTURE: TreatmentState.LOST,
    RunnerOutcome.INTERRUPTED: TreatmentState.INTERRUPTED,
    RunnerOutcome.CANCELLED: TreatmentState.CANCELLED,
    RunnerOutcome.TIMED_OUT: TreatmentState.TIMED_OUT,
}


@dataclass(frozen=True, kw_only=True)
class Settle:
    """Ends attempts. `ended` is called with each runner with an engine whose attempt has ended, for whatever reason."""

    treatments: TreatmentStore
    values: ValueStore
    runners: RunnerStore
    readiness: Readiness
    slots: RunnerSlots
    provider_function_prefix: str
    deadlines: Deadlines
    clock: Clock
    ended: Callable[[Runner], None]

    def settle(self, run_id: str, treatment: str, attempt: int | None, error: MachineError | None) -> MachineStep:
        """Returns what follows: another attempt or none, after the runner's release if it needs one. Safe to repeat.

        `attempt` is the one that ended; None means the current one, and that no other follows.
        """
        context = self.treatments.get_context(run_id, treatment)
        stored = context.treatment
        ended = attempt or stored.attempt
        if ended == stored.attempt:
            # Before the attempt is left behind, so that no slot is: a repeated call does it again.
            self.slots.release(stored)
        runner = self._runner(ids.runner_id(run_id, treatment, ended))
        if runner and context.spec.engine and ended == stored.attempt:
            # Later attempts of a worker have the same token.
            self.ended(runner)
        if not stored.state.final and ended == stored.attempt:
            stored = self._end(context, runner, error, may_retry=attempt is not None)
        if stored.state.final:
            self.readiness.settled(stored)
            self._request_purge(stored)
            return self._released(MachineStep(next=NextState.DONE, attempt=ended), runner)
        seconds = retrying.wait_seconds(stored, context.spec.retry)
        following = NextState.WAIT if seconds else NextState.RETRY
        return self._released(MachineStep(next=following, attempt=stored.attempt, wait_seconds=seconds), runner)

    def quickly(self, runner: Runner) -> tuple[MachineStep, str | None]:
        """Settles a treatment that succeeded and returns what follows, with the token of its machine as it was read.

        Leaves it to the machine if it did not succeed, or has many consumers. Raises Conflict if the treatment moves at
        this moment.
        """
        result, token = runner.result, runner.task_token
        if result is None or result.outcome is not RunnerOutcome.SUCCEEDED:
            return self.by_machine(runner), token
        # The edges of a treatment are written with it: none is added while it runs.
        edges = self.readiness.edges.edges_from(runner.run_id, runner.treatment)
        consumers = sorted({edge.consumer for edge in edges}) if len(edges) <= _QUICK else ()
        context = self.treatments.get_context(runner.run_id, runner.treatment, consumers, token)
        stored, spec, token = context.treatment, context.spec, context.task_token
        if stored.state is not TreatmentState.RUNNING or stored.attempt != runner.attempt:
            return self.by_machine(runner), token
        self.slots.release(stored)
        if self._publish(stored, spec) or not self.readiness.succeed(
            stored, result.exit_code, edges, context.others, at_most=_QUICK
        ):
            return self.by_machine(runner), token
        self._request_purge(stored)
        return self._released(MachineStep(next=NextState.DONE, attempt=runner.attempt), runner), token

    def by_machine(self, runner: Runner) -> MachineStep:
        """Returns the step that has the machine settle the treatment."""
        return settling(runner.attempt, self._function(runner), runner.runner_id)

    def _released(self, step: MachineStep, runner: Runner | None) -> MachineStep:
        """Returns the step, after the runner's release unless a host's runner has ended and holds nothing any more."""
        if runner is None or (runner.provider == HOST and runner.result is not None):
            return step
        return after_release(step, self._function(runner), runner.runner_id)

    def _request_purge(self, ended: Treatment) -> None:
        if ended.ends_retention:
            self.deadlines.watch_values(ended.run_id, ended.name, timedelta())

    def _function(self, runner: Runner) -> str:
        return provider_function(self.provider_function_prefix, runner.provider)

    def _end(
        self, context: TreatmentContext, runner: Runner | None, error: MachineError | None, *, may_retry: bool
    ) -> Treatment:
        run, spec, treatment = context.run, context.spec, context.treatment
        result = runner.result if runner else None
        state, cause = _verdict(result, error)
        if (
            result
            and result.outcome is RunnerOutcome.CANCELLED
            and runner
            and runner.cancel_reason
            and not run.stop_requested
            and not treatment.cancel_reason
        ):
            # The agent stopped at a cancellation, though the run was not stopped: its time was over.
            state, cause = TreatmentState.TIMED_OUT, runner.cancel_reason
        if treatment.cancel_reason and state in _NOT_OF_ITSELF:
            state, cause = TreatmentState.CANCELLED, treatment.cancel_reason
        exit_code = result.exit_code if result else None
        lasting = result is None and error is not None and error.name in _LASTING_ERRORS
        retry_allowed = may_retry and not lasting and not run.stop_requested and not treatment.cancel_reason
        retried = retry_allowed and spec.kind is TreatmentKind.COMMAND
        if retried and retrying.may_retry(treatment, spec.retry, state, exit_code):
            return self._next_attempt(treatment, spec, state, cause)
        if state is TreatmentState.INTERRUPTED:
            state = TreatmentState.LOST
        return self._settle(treatment, spec, state, cause, result)

    def _settle(
        self,
        treatment: Treatment,
        spec: TreatmentSpec,
        state: TreatmentState,
        cause: str | None,
        result: RunnerResult | None,
    ) -> Treatment:
        """Returns the treatment in its final state, which is another than `state` if an output is missing."""
        if state is TreatmentState.SUCCEEDED and (missing := self._publish(treatment, spec)):
            state, cause = TreatmentState.FAILED, f"output {missing} was never finished"
        exit_code = result.exit_code if result else None
        soft = soft_failed(spec.soft_fail, state, exit_code)
        if self.treatments.settle(treatment, state, cause, exit_code, self.clock(), soft_failed=soft):
            return dataclasses.replace(treatment, state=state, soft_failed=soft)
        return self.treatments.get_treatment(treatment.run_id, treatment.name)  # it was settled before

    def _publish(self, treatment: Treatment, spec: TreatmentSpec) -> str | None:
        """Stores the values of the treatment's attempt, unless an output was never finished: then returns its name."""
        if not spec.outputs:
            return None
        outputs = self.runners.list_outputs(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
        missing = _unfinished(spec, outputs)
        if missing is None:
            self.values.put_values(self._values(treatment, spec, outputs))
        return missing

    def _runner(self, runner_id: str) -> Runner | None:
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            return None
        if runner.state.live and runner.result is None:
            # From here on the attempt is over: further calls of its runner are refused.
            try:
                live_states = {RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED}
                return self.runners.change_runner(runner.runner_id, live_states, state=RunnerState.LOST)
            except Conflict:
                return self.runners.get_runner(runner.runner_id)
        return runner

    def _next_attempt(
        self, treatment: Treatment, spec: TreatmentSpec, state: TreatmentState, cause: str | None
    ) -> Treatment:
        counter = retrying.COUNTERS[state]
        counts = {counter: getattr(treatment, counter) + 1, "attempt": treatment.attempt + 1}
        seconds = retrying.wait_seconds(dataclasses.replace(treatment, **counts), spec.retry)
        # While it waits it has no runner, so that stopping the run ends it at once.
        following = TreatmentState.READY if seconds else TreatmentState.PLACING
        now = self.clock()
        return self.treatments.advance(
            treatment.run_id,
            treatment.name,
            treatment.attempt,
            _LIVE,
            following,
            cause=f"attempt {treatment.attempt}: {cause}",
            waiting_for=f"{seconds} s to pass before attempt {counts['attempt']}" if seconds else None,
            concurrency_limits=(),
            history=(
                StateChange(now, treatment.attempt, state, cause or ""),
                StateChange(now, counts["attempt"], following),
            ),
            **counts,
        )

    def _values(self, treatment: Treatment, spec: TreatmentSpec, outputs: Sequence[OutputStream]) -> list[Value]:
        streams = {stream.port: stream for stream in outputs}
        now = self.clock()
        return [
            Value(
                run_id=treatment.run_id,
                treatment=treatment.name,
                port=port.port,
                flow=port.flow,
                type=port.type,
                sha256=stream.sha256,
                size=stream.size,
                chunks=stream.committed,
                attempt=treatment.attempt,
                preview=stream.preview,
                created_at=now,
                retention=treatment.retention,
            )
            for port in spec.outputs
            if (stream := streams.get(port.port)) is not None and stream.sha256 is not None
        ]


def _verdict(result: RunnerResult | None, error: MachineError | None) -> tuple[TreatmentState, str | None]:
    """Returns the state and the cause. The runner's own result wins over the error that its machine caught."""
    if result is not None:
        state = _OUTCOMES[result.outcome]
        if state is TreatmentState.SUCCEEDED:
            return state, None
        return state, result.error or f"ended with exit code {result.exit_code}"
    if error is None:
        return TreatmentState.LOST, "the runner's result was not found"
    return _FINAL_ERRORS.get(error.name, TreatmentState.LOST), error.cause or error.name


def _unfinished(spec: TreatmentSpec, outputs: Sequence[OutputStream]) -> str | None:
    ended = {stream.port for stream in outputs if stream.ended}
    return next((port.port for port in spec.outputs if port.type != "void" and port.port not in ended), None)
