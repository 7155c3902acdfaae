"""Where the worker that an engine asked for listens."""

from dataclasses import dataclass

from cadence.application.melodium.ports import Refused, WorkerAccess
from cadence.domain.access import Principal
from cadence.domain.run import Run


@dataclass(frozen=True)
class NoAccess:
    """Implements `Access` where no workers are started."""

    def __call__(self, by: Principal, run: Run) -> WorkerAccess:
        return Refused([f"Run {run.run_id} is no worker that was started here."])
