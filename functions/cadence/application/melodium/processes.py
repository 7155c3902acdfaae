"""Finds the processes of engines that a caller may read and report."""

from dataclasses import dataclass

from cadence.application.shared.run_ports import RunStore
from cadence.domain.access.access import Principal
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class Processes:
    """Reads the runs of engines' processes."""

    runs: RunStore

    def get(self, by: Principal, run_id: str) -> Run:
        """Returns the run of a process.

        Raises NotFound, in the same words, if it does not exist, is no process of an engine, or belongs to others.
        """
        missing = NotFound(f"There is no Mélodium run {run_id!r} here.")
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            raise missing from None
        if run.melodium is None or not may_tell_of(by, run):
            raise missing
        return run

    def of_group(self, group_id: str, run_id: str) -> Run:
        """Returns the run of a process to a caller that knows both ids. Raises NotFound."""
        run = self.runs.get_run(run_id)
        if run.melodium is None or run.melodium.group_id != group_id:
            raise NotFound(f"There is no Mélodium run {run_id!r} here.")
        return run


def may_tell_of(by: Principal, run: Run) -> bool:
    """Returns True if the caller may report the run: an engine's token permits its own run and those of its workers."""
    if not by.sees(run.organization, run.project):
        return False
    return by.run is None or by.run == run.run_id or (run.melodium is not None and by.run == run.melodium.parent_id)
