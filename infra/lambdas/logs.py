"""Lambdas that store log lines and delete old ones."""

from cadence.composition.shared.settings import LogIndexerSettings, LogStreamSettings, RetentionSettings
from infra.row import AsynchronousCalls, LambdaRow, ValueBucketUse
from infra.row.packages import BASE
from infra.row.permissions import (
    consumes,
    deletes,
    gets,
    invokes,
    items,
    items_under,
    lists_runs,
    log_lines,
    may,
    puts,
)
from infra.row.queues import LOG_LINES_FAILED
from infra.row.triggers import Every, InvokedBy, LogLineRecords

ROWS = (
    LambdaRow(
        folder="log_indexer",
        room="logs",
        purpose="Writes log segments, exactly once in effect; stores unreadable records; notifies `live`.",
        triggers=(LogLineRecords(), InvokedBy(("api",))),
        settings=LogIndexerSettings,
        packages=BASE,
        timeout=120,
        permissions=(
            invokes("live"),
            items("runs", "GetItem"),
            items("logs", "Query", "BatchGetItem", "PutItem"),
            # How much a project has logged today.
            items("logs", "UpdateItem"),
            puts("runs/*"),
            # Dead letters, and their removal when they are redriven.
            items("logs", "GetItem", "DeleteItem"),
            *gets("dead-letters/*"),
            puts("dead-letters/*"),
            deletes("dead-letters/*"),
        ),
        # Lines of pools with a bucket of their own: as the gateway stored them, and as segments.
        value_buckets=ValueBucketUse(((("DeleteObject", "GetObject", "PutObject"), ("runs/*",)),)),
    ),
    LambdaRow(
        folder="log_stream",
        room="logs",
        purpose="Removes the Kinesis stream after a day without runners, creates it again; rescues failed records.",
        triggers=(Every(60), InvokedBy(("admit", "melodium"))),
        # Removing the stack takes a minute or two; the second or third try serves a run that begins meanwhile.
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=60),
        settings=LogStreamSettings,
        packages=BASE,
        memory=256,
        permissions=(
            items("access", "GetItem", "PutItem"),
            *gets("infrastructure/log-stream.json"),
            puts("infrastructure/log-stream.json"),
            # Records that failed become dead letters.
            consumes(LOG_LINES_FAILED),
            log_lines("GetRecords", "GetShardIterator"),
            items("runs", "GetItem"),
            items("logs", "PutItem"),
            puts("dead-letters/*"),
            may("states", ("ListExecutions",), lambda names: names.machine("run")),
            may(
                "cloudformation",
                ("DescribeStacks", "GetTemplate", "CreateStack", "DeleteStack"),
                lambda names: names.stack(names.log_stream_stack_name),
            ),
        ),
    ),
    LambdaRow(
        folder="retention",
        room="logs",
        purpose=(
            "Deletes lines and values of projects whose retention is shorter than the installation's; keeps what legal "
            "holds cover from expiring."
        ),
        triggers=(Every(60), InvokedBy(("api",))),
        # The next call continues where one ended.
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=60),
        settings=RetentionSettings,
        packages=BASE,
        timeout=900,
        value_buckets=ValueBucketUse(((("DeleteObject", "GetObject", "PutObject"), ("runs/*",)),)),
        permissions=(
            items("logs", "Query", "UpdateItem"),
            items("runs", "Query", "UpdateItem"),
            # What a project keeps becomes less.
            items_under("runners", ("STORAGE#",), "UpdateItem"),
            lists_runs(),
            deletes("runs/*"),
            # What is held expires later; its objects are copied onto themselves.
            items("access", "Query"),
            items_under("access", ("HOLDS",), "UpdateItem"),
            items("runners", "Query"),
            items_under("runners", ("RUN#", "RUNNER#"), "UpdateItem"),
            items("telemetry", "Query"),
            items_under("telemetry", ("RUN#",), "UpdateItem"),
            *gets("runs/*", "sources/*"),
            puts("runs/*"),
            puts("sources/*"),
        ),
    ),
)
