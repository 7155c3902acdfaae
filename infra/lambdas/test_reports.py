"""The Lambda that reads reports of tests."""

from cadence.composition.shared.settings import ReadTestReportsSettings
from infra.row import AsynchronousCalls, LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import gets, invokes, items, puts
from infra.row.triggers import InvokedBy

ROWS = (
    LambdaRow(
        folder="test_reports",
        room="test_reports",
        purpose="Reads the reports of tests that ended treatments sent, and compares them with those of the base branch.",
        triggers=(InvokedBy(("observe",)),),
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=360, keeps_failed=True),
        settings=ReadTestReportsSettings,
        packages=(*BASE, "defusedxml", "junitparser"),
        # The tree of a large report takes many times its size.
        memory=1769,
        timeout=300,
        permissions=(
            items("runs", "GetItem", "BatchGetItem", "Query", "PutItem"),
            items("runners", "GetItem"),
            *gets("runs/*"),
            puts("runs/*/tests/*"),
            # A report that is read after the end of its run is shown on the commit.
            invokes("commit_reports"),
        ),
    ),
)
