"""The Lambda that deletes projects and organizations with everything in them."""

from cadence.composition.shared.settings import DeleteProjectsSettings
from infra.row import DECRYPTS, INDICES, AsynchronousCalls, LambdaRow, SearchServiceUse, ValueBucketUse
from infra.row.packages import BASE, CONDITIONS
from infra.row.permissions import (
    RUN_GATES,
    deletes_versions,
    items,
    lists_runs,
    lists_versions,
    looks_at,
    schedules,
)
from infra.row.triggers import Every, InvokedBy

ROWS = (
    LambdaRow(
        folder="delete_projects",
        room="deletion",
        purpose="Deletes the projects and organizations that are marked, with all that is stored of them; counts their data.",
        triggers=(Every(60), InvokedBy(("api",))),
        # The next call continues where one ended.
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=60),
        settings=DeleteProjectsSettings,
        packages=(*BASE, *CONDITIONS, "cronsim", "opensearch-py"),
        timeout=900,
        # Tokens of repositories, whose webhooks are removed.
        secrets_key=DECRYPTS,
        search_service=(
            SearchServiceUse(("ESHttpGet",), f"_cat/indices/{INDICES}"),
            SearchServiceUse(("ESHttpPost", "ESHttpDelete"), INDICES),
        ),
        value_buckets=ValueBucketUse(
            ((("DeleteObject", "DeleteObjectVersion"), ("runs/*", "splits/*", "caches/*")),),
            bucket=("ListBucket", "ListBucketVersions"),
        ),
        permissions=(
            items(
                "access",
                "GetItem",
                "BatchGetItem",
                "Query",
                "Scan",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                "BatchWriteItem",
            ),
            items("alerts", "Query", "Scan", "BatchWriteItem"),
            items("logs", "Query", "BatchWriteItem"),
            items("pipelines", "Query", "Scan", "BatchWriteItem"),
            items("repositories", "GetItem", "Query", "Scan", "DeleteItem", "BatchWriteItem"),
            items("runners", "GetItem", "Query", "BatchWriteItem"),
            # Documents are shared by their digests: what else names one is found by reading all runs.
            items("runs", "Query", "Scan", "BatchWriteItem"),
            items("telemetry", "Query", "BatchWriteItem"),
            lists_runs(),
            lists_versions(),
            deletes_versions(
                "runs/*", "uploads/*", "splits/*", "sources/*", "caches/*", "dead-letters/*", "documents/*"
            ),
            # How old a document is.
            looks_at("documents/*"),
            schedules("DeleteSchedule"),
            # Runs are cancelled; those that wait for one of them go on.
            *RUN_GATES,
        ),
    ),
)
