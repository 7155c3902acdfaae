"""Resumes the run that a treatment of kind `trigger` started in the run that is rerun from what failed."""

from dataclasses import dataclass

from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.rerun import Rerun
from cadence.application.shared.identifiers import child_run_id
from cadence.application.shared.ports import Documents
from cadence.application.shared.run_ports import RunStore
from cadence.domain.runs import rerun_reuse
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class ResumeChildRun:
    """Makes runs of treatments reruns of their earlier ones."""

    runs: RunStore
    documents: Documents
    rerun: Rerun

    def resume(self, parent: Run, treatment: str, planned: RunRequest) -> RunRequest:
        """Returns the request for the run that `treatment` starts: a rerun of what failed in its earlier run.

        It is `planned` itself if `parent` does not resume the treatment's run, or if that run is no longer kept, has
        not ended, or had another document or other parameters.
        """
        earlier = self._earlier(parent, treatment)
        if earlier is None or not earlier.state.final:
            return planned
        if (earlier.document_sha256, earlier.parameters) != (planned.document_sha256, planned.parameters):
            return planned
        return self.rerun.start(earlier)

    def _earlier(self, parent: Run, treatment: str) -> Run | None:
        """Returns the newest run that the treatment started in the runs that `parent` repeats.

        A rerun that was cancelled before the treatment started its run leads to the run before.
        """
        while parent.rerun_of and parent.kept_sha256:
            if treatment not in rerun_reuse.decode(self.documents.get(parent.kept_sha256)).resumed:
                return None
            try:
                parent = self.runs.get_run(parent.rerun_of)
            except NotFound:
                return None
            try:
                return self.runs.get_run(child_run_id(parent, treatment))
            except NotFound:
                continue
        return None
