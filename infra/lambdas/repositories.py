"""The Lambda that tells code hosts about commits of connected repositories."""

from cadence.composition.settings import CommitReportsSettings
from infra.row import DECRYPTS, AsynchronousCalls, LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import items, sends
from infra.row.triggers import InvokedBy

ROWS = (
    LambdaRow(
        folder="commit_reports",
        room="repositories",
        purpose="Sends the statuses of a commit, and the comment on its pull request, to the code host.",
        triggers=(InvokedBy(("deliveries", "observe", "test_reports")),),
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=360, keeps_failed=True),
        settings=CommitReportsSettings,
        packages=BASE,
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
)
