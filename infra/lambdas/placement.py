"""Lambdas that choose where treatments run."""

from cadence.composition.shared.settings import PlaceSettings, SweepSettings
from infra.row import AsynchronousCalls, LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import RUNNER_SLOTS, answers, invokes_providers, items, sends, work_notifications
from infra.row.triggers import Every, MachineTask

ROWS = (
    LambdaRow(
        folder="place",
        room="placement",
        purpose="Waits for approvals and slots, picks the attempt's pool, and offers the runner to a pool of hosts.",
        triggers=(MachineTask("treatment", ("Place", "Await turn")),),
        settings=PlaceSettings,
        packages=BASE,
        permissions=(
            items("access", "GetItem", "Query"),
            *RUNNER_SLOTS,
            items("runs", "BatchGetItem"),
            # Runners for hosts are offered where their place is decided.
            items("runners", "GetItem", "PutItem", "UpdateItem"),
            # Which pools had no capacity a moment ago.
            items("runners", "Query"),
            answers("treatment", "Success", "Failure"),
            sends("deadlines"),
            work_notifications("SendMessage"),
        ),
    ),
    LambdaRow(
        folder="sweep",
        room="placement",
        purpose="Calls the providers of pools, which remove machines that no treatment needs.",
        triggers=(Every(5),),
        # The next call repeats what one could not do.
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=5),
        settings=SweepSettings,
        packages=BASE,
        memory=256,
        permissions=(items("access", "Query"), items("runners", "GetItem", "Query"), invokes_providers()),
    ),
)
