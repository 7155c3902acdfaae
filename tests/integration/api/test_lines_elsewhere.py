"""Lines that are kept in the bucket of a pool are read, searched and followed there, and named if it refuses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.splits import S3Splits
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.search.index_project import IndexProject
from cadence.application.shared.identifiers import new_ulid
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.conftest import REGION


@pytest.fixture
def run_id(api: Api, settings: dict[str, str]) -> str:
    """A run with a line of a pool with a bucket, and one of another pool."""
    client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    run_id = str(api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"])
    segments = S3LogSegments("data", value_buckets=settings["value_buckets"])
    at = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}.000Z"

    def batch(treatment: str, bucket: str | None) -> LogBatch:
        line = LogLine(seq=1, time=at, stream="stdout", level="info", text=f"confidential {treatment}")
        return LogBatch(
            run_id=run_id,
            runner_id=f"{run_id}-{treatment}",
            treatment=treatment,
            attempt=1,
            lines=[line],
            bucket=bucket,
        )

    index = IndexLogs(DynamoLogIndex("logs"), segments, api.services.runs.get_run)
    index.index_batches(run_id, [batch("greet", "elsewhere"), batch("shout", None)])
    return run_id


def texts(api: Api, path: str, **query: Any) -> list[str]:
    answer = api("GET", path, query=query)
    assert answer.status == 200, answer.text
    return sorted(line["text"] for line in answer.json["lines"])


def test_they_are_read_and_searched_as_all_others(
    api: Api, settings: dict[str, str], run_id: str, tmp_path: Path
) -> None:
    both = ["confidential greet", "confidential shout"]
    assert texts(api, f"/v1/runs/{run_id}/logs") == both
    assert texts(api, "/v1/logs", q="confidential since:1h") == both
    last = api("GET", f"/v1/runs/{run_id}/treatments/greet/diagnosis", query={"lines": 5}).json["last_lines"]
    assert [line["text"] for line in last] == ["confidential greet"]

    value_buckets = settings["value_buckets"]
    IndexProject(
        catalogue=DynamoSplitCatalogue("logs"),
        segments=S3LogSegments("data", value_buckets=value_buckets),
        splits=S3Splits(Buckets.of("data", value_buckets), SplitFolder(tmp_path, 1 << 30)),
        clock=api.services.clock,
        new_id=new_ulid,
        longest=timedelta(days=7),
    ).build_all("default", "default")
    assert DynamoSplitCatalogue("logs").list_fresh("default", "default") == []
    assert texts(api, "/v1/logs", q="confidential since:1h") == both


def test_a_bucket_that_refuses_is_named_and_stops_no_search(api: Api, run_id: str) -> None:
    for item in client("s3").list_objects_v2(Bucket="elsewhere")["Contents"]:
        client("s3").delete_object(Bucket="elsewhere", Key=item["Key"])
    client("s3").delete_bucket(Bucket="elsewhere")
    refused = api("GET", f"/v1/runs/{run_id}/logs")
    assert refused.status == 404
    assert "Bucket elsewhere of a pool refuses (NoSuchBucket)" in refused.json["detail"]
    assert texts(api, f"/v1/runs/{run_id}/logs", treatment="shout") == ["confidential shout"]
    assert texts(api, "/v1/logs", q="confidential since:1h") == ["confidential shout"]
