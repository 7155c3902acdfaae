"""Which processes of engines a caller may ask about and tell of."""

from dataclasses import dataclass

from cadence.application.shared.run_ports import RunStore
from cadence.domain.access.access import Principal
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class Processes:
    runs: RunStore

    def get(self, by: Principal, run_id: str) -> Run:
        """Raises NotFound, in the same words, for what does not exist, is no process of an engine, or is somebody else's."""
        missing = NotFound(f"There is no Mélodium run {run_id!r} here.")
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            raise missing from None
        if run.melodium is None or not may_tell_of(by, run):
            raise missing
        return run

    def of_group(self, group_id: str, run_id: str) -> Run:
        """For whoever knows both ids. Raises NotFound."""
        run = self.runs.get_run(run_id)
        if run.melodium is None or run.melodium.group_id != group_id:
            raise NotFound(f"There is no Mélodium run {run_id!r} here.")
        return run


def may_tell_of(by: Principal, run: Run) -> bool:
    """The token of an engine is good for its own run, and for those of workers that it asked for."""
    if not by.sees(run.organization, run.project):
        return False
    return by.run is None or by.run == run.run_id or (run.melodium is not None and by.run == run.melodium.parent_id)
