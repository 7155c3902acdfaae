"""Notifies those that wait for the end of a run: a treatment of another run, and the pipelines that start then."""

from dataclasses import dataclass
from typing import Protocol

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.waiting_runs import answer_waiting
from cadence.domain.runs.run import Run


class EndedRuns(Protocol):
    """The queue of events that can start runs."""

    def put_ended(self, run_id: str) -> None:
        """Queues the ended run. Returns once it cannot get lost any more."""


@dataclass(frozen=True)
class NotifyRunEnd:
    """Notifies those that wait for the end of a run."""

    pipelines: PipelineStore
    queue: EndedRuns
    machines: Machines

    def notify(self, run: Run) -> None:
        """Answers the waiting treatment and queues the run if a pipeline starts at its end. Safe to repeat.

        Runs of documents that are not stored start nothing, as their name may be anything; nor do replays.
        """
        answer_waiting(self.machines, run)
        if run.pipeline_version is None or run.replay_of is not None:
            return
        newest = self.pipelines.list_newest(run.organization, run.project)
        if any(entry.means(run.pipeline, run.state) for version in newest for entry in version.triggers.pipeline):
            self.queue.put_ended(run.run_id)
