"""Finds out where the worker that an engine requested listens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.melodium.ports import WorkerAccess, WorkerReady, WorkerRefused, WorkerStarting
from cadence.application.melodium.worker_ports import WorkerSecretStore
from cadence.application.runs.ports import ReportedStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.access.access import Principal
from cadence.domain.melodium.certificate import expired
from cadence.domain.melodium.versions import has_secrets
from cadence.domain.runners.engine_worker import NAME
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound

PATIENCE = timedelta(seconds=24)
"""An HTTP API gives up after 30 seconds, and its Lambda after 29."""

SPACING = timedelta(milliseconds=250)
"""Between the answers to one engine: their order tells which worker a program's treatment got, as keys do not."""

# Seconds between two looks: short at first, since workers on machines that wait begin at once.
_FIRST_PAUSE, _LONGEST_PAUSE, _SLOWER = 0.05, 1.0, 1.3


@dataclass(frozen=True, kw_only=True)
class WaitForWorker:
    """Waits until a worker listens or cannot come; `sleep` takes seconds."""

    runs: RunStore
    treatments: TreatmentStore
    runners: RunnerStore
    secrets: WorkerSecretStore
    reported: ReportedStore
    clock: Clock
    sleep: Callable[[float], None]

    def wait(self, by: Principal, run: Run) -> WorkerAccess:
        """Waits at most `PATIENCE` for the worker; the engine asks again until it gets a worker or a refusal."""
        give_up = self.clock() + PATIENCE
        pause = _FIRST_PAUSE
        while True:
            access = self._look(run.run_id)
            if not isinstance(access, WorkerStarting) or self.clock() + timedelta(seconds=pause) >= give_up:
                return access
            self.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST_PAUSE)

    def _look(self, run_id: str) -> WorkerAccess:
        run = self.runs.get_run(run_id)
        if run.recorded or run.melodium is None:
            return WorkerRefused([f"Run {run_id} is not a worker that Cadence started."])
        if reason := expired(run.melodium.version, self.clock()):
            return WorkerRefused([reason])
        if run.state.final or run.stop_requested:
            return WorkerRefused([run.cause or f"the worker's run has {run.state.value}"])
        try:
            treatment = self.treatments.get_treatment(run_id, NAME)
            if treatment.state.final:
                return WorkerRefused([_in_words(treatment)])
            runner = self.runners.get_runner(ids.runner_id(run_id, NAME, treatment.attempt))
        except NotFound:
            return WorkerStarting()
        if runner.state is not RunnerState.CLAIMED or runner.listening is None:
            return WorkerStarting()
        asking = run.started_by_run
        in_order = asking is not None and has_secrets(run.melodium.version)
        if asking and in_order and not self.reported.note_answer(asking, run_id, self.clock(), SPACING):
            return WorkerStarting()
        endpoint = runner.listening
        return WorkerReady(
            run_id=run_id,
            addresses=endpoint.addresses,
            port=endpoint.port,
            key=self.secrets.get(run_id).receive_key,
            machine=endpoint.machine,
        )


def _in_words(treatment: Treatment) -> str:
    return f"worker {treatment.state.value.replace('_', ' ')}: {treatment.cause or 'no reason is known'}"
