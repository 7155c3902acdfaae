"""Lambdas that tell code hosts about commits, and that find what their webhooks did not bring."""

from cadence.composition.shared.settings import CommitReportsSettings, ReconcileSettings
from infra.row import DECRYPTS, AsynchronousCalls, LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import invokes, items, sends
from infra.row.triggers import Every, InvokedBy

ROWS = (
    LambdaRow(
        folder="commit_reports",
        room="repositories",
        purpose="Sends the statuses of a commit, and the comment on its pull request, to the code host.",
        triggers=(InvokedBy(("deliveries", "observe", "test_reports", "reconcile")),),
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=360, keeps_failed=True),
        settings=CommitReportsSettings,
        packages=(*BASE, "cryptography", "pyjwt"),
        memory=256,
        # A slow code host takes ten seconds for a call.
        timeout=120,
        # The access tokens of repositories.
        secrets_key=DECRYPTS,
        permissions=(
            items("repositories", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            # Runs, their treatments, and the reports of their tests.
            items("runs", "BatchGetItem", "Query"),
            # A report that was refused is sent again later.
            sends("deliveries"),
        ),
    ),
    LambdaRow(
        folder="reconcile",
        room="repositories",
        purpose="Compares branches and open pull requests of connected repositories with those that are known, and starts what is missing.",
        triggers=(Every(15),),
        # The next call repeats what one could not do.
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=15),
        settings=ReconcileSettings,
        packages=(*BASE, "cryptography", "pyjwt"),
        memory=256,
        timeout=600,
        # The access tokens of repositories.
        secrets_key=DECRYPTS,
        permissions=(
            items("repositories", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            sends("deliveries"),
            # Statuses that a code host refused for so long that they were given up.
            invokes("commit_reports"),
        ),
    ),
)
