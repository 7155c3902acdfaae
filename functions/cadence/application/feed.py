"""Readiness: tells consumers what a producer has done, starts those that wait for nothing more, skips those that wait in vain."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cadence.application.ports import Clock, Machines, RunStore
from cadence.domain.errors import Conflict
from cadence.domain.run import Edge, Treatment, TreatmentState, Trigger


@dataclass(frozen=True)
class Feeder:
    runs: RunStore
    machines: Machines
    clock: Clock

    def start_ready(self, treatments: Iterable[Treatment]) -> None:
        """Starts the machine of every treatment that waits for nothing. Safe to repeat: an execution's name is taken once."""
        for treatment in treatments:
            if treatment.waiting == 0 and self._make_ready(treatment).state is TreatmentState.READY:
                self.machines.start_treatment(treatment.run_id, treatment.name)

    def opened(self, run_id: str, producer: str) -> None:
        """`producer` runs: consumers of its streams may start."""
        edges = [edge for edge in self.runs.edges_from(run_id, producer) if edge.trigger is Trigger.OPENED]
        if edges:
            self.start_ready(self.runs.deliver(edges))

    def settled(self, run_id: str, producer: str, state: TreatmentState, at_most: int | None = None) -> bool:
        """`producer` has its final state: feeds or skips its consumers, and theirs; answers the run's token after the last one.

        Gives up with False, to be called again without `at_most`, before more edges than that.
        """
        queue = deque([(producer, state)])
        told = {producer}
        seen = 0
        waited_for = False
        while queue:
            name, reached = queue.popleft()
            edges = self.runs.edges_from(run_id, name)
            seen += len(edges)
            if at_most is not None and seen > at_most:
                return False
            fired = [edge for edge in edges if edge.trigger.fired_by(reached)]
            dead = [edge for edge in edges if not edge.trigger.fired_by(reached)]
            fed = self.runs.deliver(fired) if fired else ()
            waited_for = waited_for or any(not consumer.state.final for consumer in fed)
            self.start_ready(fed)
            if not dead:
                continue
            for consumer in self.runs.bury(dead):
                if not self._skip(consumer, dead, reached):
                    # A stream that broke had been opened, perhaps by a call that ended before it started the consumer.
                    self.start_ready([consumer])
                elif consumer.name not in told:
                    told.add(consumer.name)
                    queue.append((consumer.name, TreatmentState.SKIPPED))
        # Not if nothing was settled here since a consumer was seen that had yet to settle: whoever settles that one asks.
        if not waited_for or len(told) > 1:
            self.answer_when_all_settled(run_id)
        return True

    def answer_when_all_settled(self, run_id: str) -> None:
        run = self.runs.get_run(run_id)
        if run.unsettled == 0:
            for token in (run.machine_token, run.stop_token):
                if token:
                    self.machines.succeed(token, {"run_id": run_id})

    def _make_ready(self, treatment: Treatment) -> Treatment:
        if treatment.state is not TreatmentState.PENDING:
            return treatment
        try:
            return self.runs.advance(
                treatment.run_id,
                treatment.name,
                treatment.attempt,
                {TreatmentState.PENDING},
                TreatmentState.READY,
                ready_at=self.clock(),
            )
        except Conflict:
            # It was skipped or cancelled meanwhile; or another delivery made it ready, which may have ended before starting it.
            return self.runs.get_treatment(treatment.run_id, treatment.name)

    def _skip(self, consumer: Treatment, dead: Sequence[Edge], reached: TreatmentState) -> bool:
        """True if `consumer` is skipped now or was before (then its own consumers must be told again, in case they were not)."""
        if consumer.state is TreatmentState.SKIPPED:
            return True
        if consumer.state is not TreatmentState.PENDING:
            return False  # a stream's consumer that runs already learns it from its runner
        edge = next(edge for edge in dead if edge.consumer == consumer.name)
        cause = f"{edge.producer} {_PAST[reached]}, so it never {_NEVER[edge.trigger]}"
        try:
            self.runs.settle(consumer, TreatmentState.SKIPPED, cause, None, self.clock())
        except Conflict:
            return False  # it became ready meanwhile
        return True


_PAST = {
    TreatmentState.SUCCEEDED: "succeeded",
    TreatmentState.FAILED: "failed",
    TreatmentState.LOST: "was lost",
    TreatmentState.TIMED_OUT: "ran out of time",
    TreatmentState.SKIPPED: "was skipped",
    TreatmentState.CANCELLED: "was cancelled",
}
_NEVER = {
    Trigger.COMPLETED: "completes",
    Trigger.FAILED: "fails",
    Trigger.FINISHED: "finishes",
    Trigger.OPENED: "sends anything",
}
