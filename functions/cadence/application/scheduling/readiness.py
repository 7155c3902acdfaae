"""Delivers a producer's progress to its consumers: starts those that wait for nothing more, skips the unreachable."""

import dataclasses
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cadence.application.scheduling.group_parallelism import GroupParallelism
from cadence.application.scheduling.treatment_queries import in_order
from cadence.application.shared.block_values import UnreadableValue, read_value
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import (
    EdgeStore,
    GroupStore,
    Machines,
    RunStore,
    TreatmentStore,
    ValueStore,
    WakeUps,
)
from cadence.application.shared.workers import Workers, several_at_once
from cadence.domain.pipelines.outputs_read import outputs_read
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec, in_group
from cadence.domain.runs import outcome_text
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.soft_failures import soft_failed
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, TreatmentState
from cadence.domain.scheduling import conditions
from cadence.domain.shared.errors import Conflict

Ended = Sequence[Treatment]


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Starts and skips treatments as their producers run or settle.

    Every call is safe to repeat: each effect happens once, and the next call completes one that was interrupted.
    """

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    edges: EdgeStore
    groups: GroupStore
    machines: Machines
    wake_ups: WakeUps
    clock: Clock
    workers: Workers = several_at_once

    def start_ready(self, treatments: Iterable[Treatment]) -> None:
        """Starts the machine of every treatment that waits for nothing, as far as its condition and its group allow."""
        self._spread(self._go_on(treatments))

    def opened(self, run_id: str, producer: str) -> None:
        """Starts the consumers of the streams of `producer`, which runs now."""
        edges = [edge for edge in self.edges.edges_from(run_id, producer) if edge.trigger is Trigger.OPENED]
        if edges:
            self.start_ready(self.edges.deliver(edges))

    def succeed(
        self,
        treatment: Treatment,
        exit_code: int | None,
        edges: Sequence[Edge],
        consumers: Mapping[str, Treatment],
        at_most: int,
    ) -> bool:
        """Settles a treatment that succeeded, in one transaction with what its consumers receive, and starts these.

        `treatment`, the `edges` that leave it and its `consumers` by name are as they were read, the edges first.
        Returns False if it was settled before, or if more than `at_most` edges follow: the caller then calls
        `settled`. Raises Conflict if it is no longer as it was read.
        """
        succeeded = dataclasses.replace(treatment, state=TreatmentState.SUCCEEDED)
        fired = [edge for edge in edges if edge.trigger.fired_by(succeeded.state)]
        pending = [edge for edge in fired if edge.state is EdgeState.PENDING]
        if pending and len(edges) <= at_most:
            alone = len(pending) == len(edges) and treatment.bounded_by is None
            ready = _waiting_only_for(pending, consumers) if alone else ()
            try:
                if not self._settle(treatment, exit_code, pending, ready):
                    return False
            except Conflict:
                pass  # A consumer or an edge has moved: each step by itself.
            else:
                if alone and {edge.consumer for edge in edges} == {consumer.name for consumer in ready}:
                    # The run has more to settle: these consumers.
                    self.workers(self._start_machine, ready)
                    return True
                return self.settled(dataclasses.replace(succeeded, edges_delivered=True), at_most, edges)
        return self._settle(treatment, exit_code) and self.settled(succeeded, at_most, edges)

    def _settle(
        self,
        treatment: Treatment,
        exit_code: int | None,
        delivered: Sequence[Edge] = (),
        ready: Sequence[Treatment] = (),
    ) -> bool:
        return self.treatments.settle(
            treatment, TreatmentState.SUCCEEDED, None, exit_code, self.clock(), delivered=delivered, ready=ready
        )

    def _start_machine(self, treatment: Treatment) -> None:
        self.machines.start_treatment(treatment.run_id, treatment.name, treatment.kind)

    def settled(self, treatment: Treatment, at_most: int | None = None, edges: Sequence[Edge] | None = None) -> bool:
        """Starts or skips the consumers of a treatment that is final, and the consumers of those skipped.

        `edges` are those that leave it, if they are known. Answers the run's token after the last one. Returns False
        before it would process more than `at_most` edges; the caller then calls again without `at_most`.
        """
        more = self._spread([treatment], at_most, edges)
        if more is None:
            return False
        if not more:
            self.answer_when_all_settled(treatment.run_id)
        return True

    def answer_when_all_settled(self, run_id: str) -> None:
        """Answers the tokens of the run's machine if no treatment is unsettled."""
        if self.runs.count_unsettled(run_id) == 0:
            run = self.runs.get_run(run_id)
            for token in (run.machine_token, run.stop_token):
                if token:
                    self.machines.succeed(token, {"run_id": run_id})

    def _spread(self, ended: Ended, at_most: int | None = None, known: Sequence[Edge] | None = None) -> bool | None:
        """Returns whether the run is known to have more to settle; None if it gave up.

        It is if a consumer had yet to settle and nothing was settled here since: the call that settles that consumer
        checks again. `known` are the edges of the first of `ended`, if they were read.
        """
        queue = deque(ended)
        notified: set[str] = set()
        edges_read = 0
        more = False
        while queue:
            producer = queue.popleft()
            if producer.name in notified:
                continue
            notified.add(producer.name)
            edges = self.edges.edges_from(producer.run_id, producer.name) if known is None else known
            known = None
            edges_read += len(edges)
            if at_most is not None and edges_read > at_most:
                return None
            consumers = self._deliver(edges, producer)
            more = more or any(not consumer.state.final for consumer in consumers)
            queue += self._notify(producer, edges, consumers)
        return more and len(notified) == 1

    def _deliver(self, edges: Sequence[Edge], producer: Treatment) -> Sequence[Treatment]:
        fired = [edge for edge in edges if edge.trigger.fired_by(producer.state, soft_failed=producer.soft_failed)]
        if producer.edges_delivered:
            fired = [dataclasses.replace(edge, state=EdgeState.DELIVERED) for edge in fired]
        return self.edges.deliver(fired) if fired else ()

    def _notify(self, producer: Treatment, edges: Sequence[Edge], consumers: Sequence[Treatment]) -> Ended:
        """Processes the edges of `producer`; returns the treatments that ended by it."""
        dead = [edge for edge in edges if not edge.trigger.fired_by(producer.state, soft_failed=producer.soft_failed)]
        ended = list(self._go_on(consumers))
        for consumer in self.edges.bury(dead) if dead else ():
            skipped = self._skip(consumer, dead, producer.state)
            # A stream that broke had been opened, perhaps by a call that ended before it started the consumer.
            ended += [skipped] if skipped else self._go_on([consumer])
        if producer.state in FAILED_TREATMENT_STATES and not producer.soft_failed:
            for group in consumers:
                if in_group(producer.name, group.name) and not group.state.final:
                    self.wake_ups.wake(group.run_id, group.name, failed=True)
        if producer.bounded_by:
            self._release_slot(producer, producer.bounded_by)
        return ended

    def _go_on(self, treatments: Iterable[Treatment]) -> Ended:
        """Starts the treatments that wait for nothing; returns those that have ended without being started."""
        ready = []
        for treatment in treatments:
            if treatment.kind is TreatmentKind.EACH and treatment.state is TreatmentState.RUNNING:
                self.wake_ups.wake(treatment.run_id, treatment.name)
            elif treatment.waiting == 0:
                ready.append(treatment)
        reached = self.workers(self._start, ready)
        self._start_bounded(reached)
        # The call that ended it by its condition may have been interrupted before it notified the consumers.
        return [treatment for treatment in reached if treatment.conditional and treatment.state.final]

    def _start(self, treatment: Treatment) -> Treatment:
        """Makes a treatment ready, and starts its machine unless its group bounds its instances."""
        reached = self._make_ready(treatment)
        if reached.state is TreatmentState.READY and reached.bounded_by is None:
            self._start_machine(reached)
        return reached

    def _start_bounded(self, treatments: Sequence[Treatment]) -> None:
        """Starts the machines of ready instances that have a slot; those of one group ask for theirs together."""
        by_group: dict[tuple[str, str], list[Treatment]] = defaultdict(list)
        for treatment in treatments:
            if treatment.state is TreatmentState.READY and treatment.bounded_by:
                by_group[treatment.run_id, treatment.bounded_by].append(treatment)
        for (run_id, group), members in by_group.items():
            entered = GroupParallelism(self.groups).enter(run_id, group, [member.name for member in members])
            self.workers(self._start_machine, [member for member in members if member.name in entered])
            self.workers(self._note_no_slot, [member for member in members if member.name not in entered])

    def _make_ready(self, treatment: Treatment) -> Treatment:
        if treatment.state is not TreatmentState.PENDING:
            return treatment
        try:
            if treatment.conditional and (ended := self._judged(treatment)):
                return ended
            now = self.clock()
            return self.treatments.advance(
                treatment.run_id,
                treatment.name,
                treatment.attempt,
                {TreatmentState.PENDING},
                TreatmentState.READY,
                ready_at=now,
                history=(StateChange(now, treatment.attempt, TreatmentState.READY),),
            )
        except Conflict:
            # It was skipped or cancelled meanwhile; or another delivery made it ready, perhaps without starting it.
            return self.treatments.get_treatment(treatment.run_id, treatment.name)

    def _judged(self, treatment: Treatment) -> Treatment | None:
        """Returns the treatment as ended if its condition does not let it run, else None."""
        spec = self.treatments.get_spec(treatment.run_id, treatment.name)
        try:
            if self._condition_holds(spec, treatment.run_id):
                return None
            state, cause = TreatmentState.SKIPPED, f"its condition {spec.when} is false"
        except conditions.NoValue as error:
            state, cause = TreatmentState.SKIPPED, f"its condition {spec.when} has no answer: {error}"
        except (conditions.NoAnswer, UnreadableValue) as error:
            state, cause = TreatmentState.FAILED, f"its condition {spec.when} has no answer: {error}"
        self.treatments.settle(
            treatment, state, cause, None, self.clock(), soft_failed=soft_failed(spec.soft_fail, state, None)
        )
        return self.treatments.get_treatment(treatment.run_id, treatment.name)

    def _condition_holds(self, spec: TreatmentSpec, run_id: str) -> bool:
        """Raises NoAnswer, UnreadableValue."""
        states = {other.name: other.state for other in in_order(self.treatments, run_id, spec.when_over)}
        named = outputs_read(spec.when)
        values = self.values.get_values(run_id, named) if named else ()
        outputs = {(value.treatment, value.port): read_value(value) for value in values}
        return conditions.holds(self.runs.get_run(run_id), spec, states, outputs)

    def _note_no_slot(self, instance: Treatment) -> None:
        if instance.waiting_for is not None:
            return
        with suppress(Conflict):  # it got a slot, or was cancelled, meanwhile
            self.treatments.advance(
                instance.run_id,
                instance.name,
                instance.attempt,
                {TreatmentState.READY},
                TreatmentState.READY,
                waiting_for=f"another instance of {instance.bounded_by} to end",
            )

    def _release_slot(self, instance: Treatment, group: str) -> None:
        for name in GroupParallelism(self.groups).leave(instance.run_id, group, instance.name):
            self.machines.start_treatment(instance.run_id, name, TreatmentKind.COMMAND)

    def _skip(self, consumer: Treatment, dead: Sequence[Edge], reached: TreatmentState) -> Treatment | None:
        """Returns the consumer if it is skipped now or was before, else None.

        In the second case its own consumers are notified again, in case they were not.
        """
        if consumer.state is TreatmentState.SKIPPED:
            return consumer
        if consumer.state is not TreatmentState.PENDING:
            return None  # its runner notifies a stream's consumer that runs already
        edge = next(edge for edge in dead if edge.consumer == consumer.name)
        cause = outcome_text.skipped_because(edge, reached)
        try:
            self.treatments.settle(consumer, TreatmentState.SKIPPED, cause, None, self.clock())
        except Conflict:
            return None  # it became ready meanwhile
        return self.treatments.get_treatment(consumer.run_id, consumer.name)


def _waiting_only_for(edges: Sequence[Edge], consumers: Mapping[str, Treatment]) -> Sequence[Treatment]:
    """Returns the consumers that are to start, whatever else happens, once these edges are delivered."""
    counts = Counter(edge.consumer for edge in edges)
    return [
        consumer
        for name, consumer in consumers.items()
        if consumer.state is TreatmentState.PENDING
        and consumer.waiting == counts[name]
        and not consumer.conditional
        and consumer.bounded_by is None
    ]
