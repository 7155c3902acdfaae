"""Lambdas that keep the search index, and send lines to clients that follow a query."""

from cadence.composition.shared.settings import LiveSettings, SearchIndexSettings
from infra.row import INDICES, AsynchronousCalls, LambdaRow, SearchServiceUse, ValueBucketUse
from infra.row.packages import BASE, SEARCH
from infra.row.permissions import NOTES_AUDIT, deletes, gets, items, manages_connections, puts
from infra.row.triggers import Every, InvokedBy, TableChanges, WebSocketRoutes

ROWS = (
    LambdaRow(
        folder="search_index",
        room="search",
        purpose="Builds splits of the search index from fresh log segments, merges them, and removes old ones.",
        triggers=(
            TableChanges(
                table="logs",
                filters=({"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "FRESH#"}]}}}},),
                batch=200,
                # Search reads fresh segments as they are; the window lets one call index several of them.
                window=20,
                retries=100,
                # Segments of several projects are indexed at the same time, those of one project one after another.
                parallel=4,
            ),
            Every(5),
            InvokedBy(("api",)),
        ),
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=5),
        settings=SearchIndexSettings,
        packages=(*BASE, *SEARCH),
        # A whole core; tantivy's buffer, and the lines of the segments that become a split.
        memory=2048,
        timeout=900,
        storage=4096,
        search_service=(
            SearchServiceUse(("ESHttpPost",), "_bulk"),
            SearchServiceUse(("ESHttpGet",), f"_cat/indices/{INDICES}"),
            # Creating, querying and deleting indices.
            SearchServiceUse(("ESHttpPost", "ESHttpPut", "ESHttpDelete"), INDICES),
        ),
        # Lines of pools with a bucket of their own are indexed there.
        value_buckets=ValueBucketUse(
            (
                (("GetObject",), ("runs/*",)),
                (("DeleteObject", "GetObject", "PutObject"), ("splits/*",)),
            )
        ),
        permissions=(
            items("logs", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
            *gets("runs/*", "splits/*"),
            puts("splits/*"),
            deletes("splits/*"),
        ),
    ),
    LambdaRow(
        folder="live",
        room="search",
        purpose="Sends lines that match a query to the clients that follow it, and what is new in runs to those that watch.",
        triggers=(
            WebSocketRoutes(("$connect", "$disconnect", "$default")),
            InvokedBy(("log_indexer", "runner_gateway")),
            TableChanges(
                table="runs",
                filters=tuple(
                    {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": [key]}}}}
                    for key in ("RUN", {"prefix": "TREATMENT#"}, {"prefix": "ELEMENT#"})
                ),
                batch=500,
                # One call a second at most while runs change, watched or not. Batches of a run follow each other, which
                # keeps its deltas in order.
                window=1,
                # What is given up, clients read by HTTP within a minute.
                retries=3,
            ),
        ),
        settings=LiveSettings,
        packages=(*BASE, "jsonschema-rs"),
        value_buckets=ValueBucketUse(((("GetObject",), ("runs/*",)),)),
        permissions=(
            # Tokens, with the member or service account and the grants that they act with.
            items("access", "GetItem", "BatchGetItem", "Query"),
            NOTES_AUDIT,
            items("runs", "GetItem"),
            items("runners", "PutItem"),
            items("logs", "Query", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
            *gets("runs/*"),
            manages_connections(),
        ),
    ),
)
