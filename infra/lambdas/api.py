"""The Lambdas behind the HTTP API: for users, the command line and the dashboard, and the dashboard itself."""

from cadence.composition.shared.settings import ApiSettings, DashboardSettings
from infra.row import ENCRYPTS_AND_DECRYPTS, INDICES, LambdaRow, SearchServiceUse, ValueBucketUse
from infra.row.packages import BASE, DOCUMENTS, EXPORTS, SEARCH
from infra.row.permissions import (
    RUN_GATES,
    answers,
    deletes,
    gets,
    invokes,
    invokes_providers,
    items,
    lists_runs,
    measures,
    puts,
    schedules,
    sends,
)
from infra.row.queues import ALL_QUEUE_NAMES
from infra.row.triggers import HttpRoutes, Throttle

ROWS = (
    LambdaRow(
        folder="dashboard",
        room="api",
        purpose="Serves the files of the dashboard from its archive.",
        triggers=(HttpRoutes((("GET", "/"), ("GET", "/ui"), ("GET", "/ui/{path+}"))),),
        settings=DashboardSettings,
        packages=(),
        permissions=(),
        memory=256,
        timeout=10,
    ),
    LambdaRow(
        folder="api",
        room="api",
        purpose="Answers everything that users, the command line and the dashboard ask for.",
        triggers=(HttpRoutes(throttle=Throttle(rate=500, burst=1_000)),),
        settings=ApiSettings,
        packages=(
            *BASE,
            *DOCUMENTS,
            *EXPORTS,
            *SEARCH,
            "aws-lambda-powertools",
            "cryptography",
            "dulwich",
            "msgspec",
            "pydantic",
            "pyjwt",
        ),
        # A whole core, and room for the parts of the search index that are searched. An HTTP API gives up after 30
        # seconds.
        memory=1769,
        timeout=29,
        storage=4096,
        secrets_key=ENCRYPTS_AND_DECRYPTS,
        search_service=(SearchServiceUse(("ESHttpPost",), f"{INDICES}/_search"),),
        # It shows values. It tests under a prefix of its own whether a bucket can be used.
        value_buckets=ValueBucketUse(
            (
                (("GetObject",), ("runs/*", "splits/*", "probe/*")),
                (("PutObject", "DeleteObject"), ("probe/*",)),
            ),
            bucket=("ListBucket", "GetLifecycleConfiguration"),
        ),
        permissions=(
            items("access", "GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem"),
            items("pipelines", "GetItem", "Query", "PutItem", "DeleteItem", "BatchWriteItem"),
            items("repositories", "GetItem", "Query", "PutItem", "DeleteItem"),
            items("runs", "GetItem", "Query", "PutItem", "UpdateItem"),
            lists_runs(),
            # Runners are notified that a user follows their run's log.
            items("runners", "GetItem", "Query", "PutItem"),
            # A trace reads many items at a time.
            items("runners", "BatchGetItem"),
            items("logs", "GetItem", "Query", "BatchGetItem"),
            *gets("documents/*", "runs/*", "sources/*", "splits/*"),
            # Dead letters are shown, redriven or discarded; the retention of a project is set.
            *gets("dead-letters/*"),
            deletes("dead-letters/*"),
            items("logs", "UpdateItem", "DeleteItem"),
            invokes("log_indexer"),
            invokes("search_index"),
            invokes("delete_projects"),
            # A legal hold is kept from the moment it is set.
            invokes("retention"),
            puts("documents/*"),
            # The files of working trees, for treatments with `source: true`.
            puts("sources/*"),
            # When quotas and limits are raised, or approvals decided, what waits for them continues.
            *RUN_GATES,
            items("access", "UpdateItem"),
            answers("treatment", "Success"),
            schedules("CreateSchedule", "DeleteSchedule"),
            # Metrics, and exports with the messages that are kept for their receivers.
            items("telemetry", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            sends("exporting"),
            measures(*ALL_QUEUE_NAMES),
            # Alert rules are stored, tested, and tried on past runs.
            items("alerts", "GetItem", "Query", "PutItem", "DeleteItem", "BatchWriteItem"),
            sends("alerting"),
            invokes("alert_deliveries"),
            # Credentials of a pool are removed with it; a pool is probed when it was changed.
            invokes_providers(),
            # A runner is held or released, a host that went for good is forgotten.
            items("runners", "UpdateItem", "DeleteItem"),
        ),
    ),
)
