"""Lines of pools with a bucket of their own: their text is nowhere else, from the gateway to the search index."""

import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.kinesis_log_lines import KinesisLogLines
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.sent_lines import S3SentLines
from cadence.adapters.s3.splits import S3Splits
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.logs.accept_logs import AcceptLogs
from cadence.application.logs.ports import LogBatch, LogLine, SentBlock
from cadence.application.search.index_project import IndexProject
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.runner_ports import FollowedRunner
from cadence.domain.logs.line_block import LineBlock, LineSpan
from cadence.domain.runners.runner import RunnerState
from cadence.domain.search.query import Query, Word
from cadence.domain.shared.errors import NotFound, Transient
from cadence.domain.values.value_retention import ValueCapture, ValueRetention
from tests.integration.runners.conftest import ELSEWHERE, RUN_ID, World
from tests.integration.runners.test_handlers import environment, log_indexer, record  # noqa: F401 (fixtures)

BUCKETS = Buckets("data", ELSEWHERE)
SEGMENTS = "elsewhere=eu-west-1"


def batch(*numbers: int, bucket: str | None, runner: str = "there") -> LogBatch:
    lines = [
        LogLine(
            seq=n, time="2026-01-02T03:04:05.678Z", stream="stdout", level="info", text=f"confidential {runner} {n}"
        )
        for n in numbers
    ]
    return LogBatch(
        run_id=RUN_ID, runner_id=f"{RUN_ID}-{runner}", treatment="make", attempt=1, lines=lines, pool="p", bucket=bucket
    )


def block(sent: LogBatch) -> SentBlock:
    """The same lines as an agent sends many."""
    text = "\n".join(line.text for line in sent.lines).encode()
    first = sent.lines[0]
    span = LineSpan(lines=len(sent.lines), size=len(text), time=first.time, stream=first.stream, level=first.level)
    return SentBlock(
        run_id=sent.run_id,
        runner_id=sent.runner_id,
        treatment=sent.treatment,
        attempt=sent.attempt,
        block=LineBlock(first.seq, [span], zlib.compress(text)),
        pool=sent.pool,
        bucket=sent.bucket,
    )


@pytest.fixture
def stream(world: World) -> KinesisLogLines:
    client("kinesis").create_stream(StreamName="log-lines", ShardCount=1)
    return KinesisLogLines("log-lines", S3SentLines(BUCKETS).store)


def sent() -> list[bytes]:
    kinesis = client("kinesis")
    shard = kinesis.describe_stream(StreamName="log-lines")["StreamDescription"]["Shards"][0]["ShardId"]
    place = kinesis.get_shard_iterator(StreamName="log-lines", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return [one["Data"] for one in kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]]


def keys(bucket: str) -> list[str]:
    return [one["Key"] for one in client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]


def delivered(*contents: bytes) -> dict[str, Any]:
    return {"Records": [record(number, content) for number, content in enumerate(contents, 1)]}


def read(world: World) -> list[str]:
    segments = S3LogSegments("data", value_buckets=SEGMENTS)
    return [
        line["text"] for segment in world.log_index.list_segments(RUN_ID, 0, 100) for line in segments.read(segment.key)
    ]


@pytest.mark.parametrize("as_block", [False, True], ids=["lines", "block"])
def test_the_text_is_in_the_bucket_of_the_pool_alone(
    world: World,
    stream: KinesisLogLines,
    log_indexer: Any,  # noqa: F811
    as_block: bool,
) -> None:
    if as_block:
        stream.put_block(block(batch(1, 2, bucket="elsewhere")))
    else:
        assert stream.put(batch(1, 2, bucket="elsewhere")) == 2
    (reference,) = sent()
    assert b"confidential" not in reference
    assert keys("data") == []
    (waiting,) = keys("elsewhere")
    assert waiting.startswith(f"runs/{RUN_ID}/sent-lines/")

    stream.put(batch(1, bucket=None, runner="here"))
    event = delivered(*sent())
    assert log_indexer(event, None) == {"batchItemFailures": []}
    assert sorted(read(world)) == ["confidential here 1", "confidential there 1", "confidential there 2"]
    first, second = sorted(world.log_index.list_segments(RUN_ID, 0, 10), key=lambda segment: segment.bucket or "")
    assert (first.bucket, first.lines, second.bucket, second.lines) == (None, 1, "elsewhere", 2)
    assert keys("data") == [first.key]
    assert keys("elsewhere") == [second.key.removeprefix("//elsewhere/")]

    # The stream may deliver a record again, when what it refers to is written and removed.
    assert log_indexer(event, None) == {"batchItemFailures": []}
    assert len(read(world)) == 3
    assert DynamoStrayRecords("logs", "data").list("default", 10) == []


def test_a_bucket_that_refuses_holds_back_no_other_run(
    world: World,
    stream: KinesisLogLines,
    log_indexer: Any,  # noqa: F811
) -> None:
    stream.put(batch(1, bucket="elsewhere"))
    stream.put(batch(1, bucket=None, runner="here"))
    for key in keys("elsewhere"):
        client("s3").delete_object(Bucket="elsewhere", Key=key)
    client("s3").delete_bucket(Bucket="elsewhere")
    assert log_indexer(delivered(*sent()), None) == {"batchItemFailures": []}
    assert read(world) == ["confidential here 1"]
    # What is set aside is the reference, to be redriven when the bucket is repaired.
    (dead_letter,) = DynamoStrayRecords("logs", "data").list("default", 10)
    assert "Bucket elsewhere of a pool refuses (NoSuchBucket)" in dead_letter.cause
    assert b"confidential" not in DynamoStrayRecords("logs", "data").content(dead_letter)

    with pytest.raises(Transient, match="Bucket elsewhere of a pool refuses"):
        stream.put(batch(2, bucket="elsewhere"))
    with pytest.raises(NotFound, match="Bucket elsewhere of a pool refuses"):
        S3LogSegments("data", value_buckets=SEGMENTS).read("//elsewhere/runs/r/logs/1")
    with pytest.raises(NotFound, match="does not use any more"):
        S3LogSegments("data").read("//elsewhere/runs/r/logs/1")


def test_lines_are_written_once_where_the_bucket_lets_nothing_be_removed(
    world: World,
    stream: KinesisLogLines,
    log_indexer: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream.put(batch(1, 2, bucket="elsewhere"))

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")

    s3, *_ = BUCKETS.find("//elsewhere/any")
    monkeypatch.setattr(s3, "delete_object", refuse)
    assert log_indexer(delivered(*sent()), None) == {"batchItemFailures": []}
    assert read(world) == ["confidential there 1", "confidential there 2"]
    assert DynamoStrayRecords("logs", "data").list("default", 10) == []


def test_lines_are_indexed_where_they_are(
    world: World,
    stream: KinesisLogLines,
    log_indexer: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    stream.put(batch(1, 2, bucket="elsewhere"))
    stream.put(batch(1, bucket=None, runner="here"))
    log_indexer(delivered(*sent()), None)
    catalogue, splits = DynamoSplitCatalogue("logs"), S3Splits(BUCKETS, SplitFolder(tmp_path, 1 << 30))
    project = world.runs.get_run(RUN_ID).project
    index = IndexProject(
        catalogue=catalogue,
        segments=S3LogSegments("data", value_buckets=SEGMENTS),
        splits=splits,
        clock=lambda: datetime(2026, 1, 2, 4, tzinfo=UTC),
        new_id=new_ulid,
        longest=timedelta(days=7),
    )
    index.build_all("default", project)
    assert catalogue.list_fresh("default", project) == []
    here, there = sorted(catalogue.list_splits("default", project), key=lambda split: split.bucket or "")
    assert (here.bucket, here.facts.lines, there.bucket, there.facts.lines) == (None, 1, "elsewhere", 2)
    assert there.key.removeprefix("//elsewhere/") in keys("elsewhere")
    assert here.key in keys("data")
    assert splits.may_match(there, Query(Word("confidential")))
    opened = splits.open(there)
    assert opened is not None

    splits.remove([here.key, there.key])
    assert not [key for bucket in ("data", "elsewhere") for key in keys(bucket) if key.startswith("splits/")]
    # A bucket that is not used any more stops no search: its lines are not found.
    unused = S3Splits(Buckets("data"), SplitFolder(tmp_path / "other", 1 << 30))
    assert unused.open(there) is None


@pytest.mark.parametrize(
    ("retention", "bucket"),
    [
        (None, None),
        (ValueRetention("p", ValueCapture.NONE), None),
        (ValueRetention("p", bucket="elsewhere"), "elsewhere"),
    ],
)
def test_lines_go_where_the_values_of_their_runner_go(
    world: World, retention: ValueRetention | None, bucket: str | None
) -> None:
    taken: list[LogBatch | SentBlock] = []

    class Sink:
        def put(self, batch: LogBatch) -> int:
            taken.append(batch)
            return batch.lines[-1].seq

        def put_block(self, sent: SentBlock) -> None:
            taken.append(sent)

    runner = replace(world.runners.get_runner(world.launch()), state=RunnerState.CLAIMED, retention=retention)
    lines = batch(1, 2, bucket=None).lines
    accept = AcceptLogs(Sink(), world.clock)
    assert accept.accept(FollowedRunner(runner), lines).through == 2
    assert accept.accept_block(FollowedRunner(runner), block(batch(3, bucket=None)).block).through == 3
    assert [one.bucket for one in taken] == [bucket, bucket]
