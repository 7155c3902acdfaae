"""Admission: from a plan to treatments that can start."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.feed import Feeder
from cadence.application.ports import Clock, Deadlines, Documents, LogStream, RunStore
from cadence.domain import plan
from cadence.domain.errors import Cancelled
from cadence.domain.forks import withhold
from cadence.domain.run import Run


@dataclass(frozen=True)
class Admission:
    """Writes what a run consists of."""

    runs: RunStore
    documents: Documents

    def __call__(self, run: Run) -> None:
        """Safe to repeat, also at the same time and after treatments have advanced. Raises NotFound if the run's plan is gone."""
        specs = withhold(plan.decode(self.documents.get(run.plan_sha256)), run.event)
        edges = plan.edges(run.run_id, specs)
        treatments = plan.treatments(run.run_id, specs, edges)
        self.runs.admit(run.run_id, specs, treatments, edges)


@dataclass(frozen=True)
class Admit:
    runs: RunStore
    admission: Admission
    feeder: Feeder
    deadlines: Deadlines
    log_stream: LogStream
    clock: Clock

    def __call__(self, run_id: str, machine_token: str) -> None:
        """Writes what the run consists of, keeps the machine's token, starts what is ready. Safe to repeat.

        Raises Cancelled if the run is to be stopped already, NotFound if its plan is gone.
        """
        run = self.runs.begin_run(run_id, machine_token, self.clock())
        if run.stop_requested:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        self.log_stream.needed()
        self.admission(run)
        self.deadlines.watch_run(run_id, timedelta(seconds=run.max_duration))
        self.feeder.start_ready(self.runs.list_treatments(run_id))
        self.feeder.answer_when_all_settled(run_id)
