"""Lambdas of the state machine ``run``: a run's admission and its stop. ``settle`` ends runs."""

from cadence.composition.shared.settings import AdmitSettings, StopRunSettings
from infra.row import DECRYPTS, LambdaRow
from infra.row.packages import BASE, CONDITIONS
from infra.row.permissions import (
    ADMITS,
    FEEDS,
    READS_SHARED_SECRETS,
    RUNNER_SLOTS,
    answers,
    invokes,
    items,
    puts,
    sends,
)
from infra.row.triggers import MachineTask

ROWS = (
    LambdaRow(
        folder="admit",
        room="runs",
        purpose="Resolves images to digests, writes the run's treatments and edges, and starts those that are ready.",
        triggers=(MachineTask("run", ("Admit",)),),
        settings=AdmitSettings,
        packages=(*BASE, *CONDITIONS),
        memory=1024,
        # One partition limits the pace at which ten thousand treatments are written; the next call writes what is left.
        timeout=600,
        # The credentials of private registries.
        secrets_key=DECRYPTS,
        reads_secret_sources=True,
        permissions=(
            *FEEDS,
            *ADMITS,
            items("access", "GetItem", "BatchGetItem"),
            READS_SHARED_SECRETS,
            # The plan with its images' digests.
            puts("documents/*"),
            answers("run", "Failure"),
            sends("deadlines"),
            invokes("log_stream"),
        ),
    ),
    LambdaRow(
        folder="stop_run",
        room="runs",
        purpose="Cancels the unfinished treatments of a run that was cancelled, is overdue or broke.",
        triggers=(MachineTask("run", ("Stop",)),),
        settings=StopRunSettings,
        packages=(*BASE, *CONDITIONS),
        memory=1024,
        timeout=600,
        permissions=(
            *FEEDS,
            *ADMITS,
            *RUNNER_SLOTS,
            items("runners", "UpdateItem"),
            answers("run", "Failure"),
            answers("treatment", "Failure"),
        ),
    ),
)
