"""Admission: from a plan to treatments that can start."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.feed import Feeder
from cadence.application.ports import Clock, Deadlines, Documents, LogStream, RunStore
from cadence.domain import plan
from cadence.domain.errors import Cancelled


@dataclass(frozen=True)
class Admit:
    runs: RunStore
    documents: Documents
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
        specs = plan.decode(self.documents.get(run.plan_sha256))
        edges = plan.edges(run_id, specs)
        treatments = plan.treatments(run_id, specs, edges)
        self.runs.admit(run_id, specs, treatments, edges)
        self.deadlines.watch_run(run_id, timedelta(seconds=run.max_duration))
        roots = {treatment.name for treatment in treatments if treatment.waiting == 0}
        self.feeder.start_ready(t for t in self.runs.list_treatments(run_id) if t.name in roots)
        self.feeder.answer_when_all_settled(run_id)
