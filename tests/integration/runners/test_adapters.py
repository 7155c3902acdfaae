"""Secrets, presigned URLs, the work notification and the log stream on moto."""

import base64
import hashlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
import time_machine
from botocore.config import Config

from cadence.adapters.aws import kinesis_log_lines
from cadence.adapters.aws.clients import client
from cadence.adapters.aws.kinesis_log_lines import KinesisLogLines
from cadence.adapters.dynamodb.access.kms_secrets import SecretItem, VersionItem
from cadence.adapters.dynamodb.logs.project_log_use import DynamoProjectLogUse
from cadence.adapters.lines.log_records import decode
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.presigned import LIFETIME, S3DataUrls
from cadence.adapters.s3.report_masks import S3ReportMasks
from cadence.adapters.s3.sent_lines import S3SentLines
from cadence.adapters.sqs.work_notification import WAIT_SECONDS, queue_name
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.limit_logs import LimitLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.shared.secret_ports import Binding, Secret
from cadence.application.shared.value_ports import StoredObject
from cadence.domain.logs.log import RUNNER_FULL, LogQuota
from cadence.domain.shared.errors import Conflict, NotFound, TooLarge, Transient
from cadence.domain.shared.retention import KEPT
from tests.fakes.runs import a_run
from tests.integration.runners.conftest import REGION, RUN_ID, World
from tests.integration.runners.test_call_counts import calls

PROJECT = ("default", "default")
EMPTY_SHA256 = hashlib.sha256().hexdigest()


@pytest.mark.parametrize("value", ["", "x", "é" * 4096, "a" * 65536])
def test_a_secret_comes_back_as_it_was_put(world: World, value: str) -> None:
    put = world.secrets.put(*PROJECT, "token", value, world.clock())
    assert world.secrets.decrypt(*PROJECT, {"token": None}) == {"token": Secret(value=value, version=1)}
    assert world.secrets.names(*PROJECT)[-1] == put
    assert put.version == 1
    assert world.secrets.put(*PROJECT, "token", "new", world.clock()).version == 2
    assert world.secrets.decrypt(*PROJECT, {"token": None}) == {"token": Secret(value="new", version=2)}
    assert [known.name for known in world.secrets.names(*PROJECT)] == ["git-read", "token"]
    assert world.secrets.names("default", "other") == []


def test_versions_that_were_replaced_are_kept_until_the_secret_is_deleted(world: World) -> None:
    for value in ("one", "two", "three"):
        world.secrets.put(*PROJECT, "token", value, world.clock())
    for version, value in enumerate(("one", "two", "three"), 1):
        assert world.secrets.has(*PROJECT, "token", version)
        assert world.secrets.decrypt(*PROJECT, {"token": version}) == {"token": Secret(value=value, version=version)}
    assert [known.name for known in world.secrets.names(*PROJECT)] == ["git-read", "token"]
    replaced = VersionItem.get(*VersionItem.key_in(SecretItem.key(*PROJECT, "token")[0], "token", 1))
    assert replaced.expires_at == world.clock().replace(microsecond=0) + KEPT
    with pytest.raises(NotFound, match="Version 4 of the secret token"):
        world.secrets.decrypt(*PROJECT, {"token": 4})


def test_no_version_of_a_deleted_secret_is_left_nor_its_number_used_again(world: World) -> None:
    for value in ("one", "two"):
        world.secrets.put(*PROJECT, "token", value, world.clock())
    world.secrets.put(*PROJECT, "token-of-others", "kept", world.clock())
    world.secrets.put(*PROJECT, "token-of-others", "kept too", world.clock())
    world.secrets.delete(*PROJECT, "token")
    assert not any(world.secrets.has(*PROJECT, "token", version) for version in (1, 2))
    assert world.secrets.has(*PROJECT, "token-of-others", 1)
    assert world.secrets.put(*PROJECT, "token", "another", world.clock()).version == 3


def test_a_secret_stays_bound_to_its_environment_until_that_is_changed_with_a_new_value(world: World) -> None:
    def bound_to(version: int | None = None) -> set[str]:
        return set(world.secrets.decrypt(*PROJECT, {"token": version})["token"].bound_to)

    world.secrets.put(*PROJECT, "token", "one", world.clock())
    assert bound_to() == set()
    world.secrets.put(*PROJECT, "token", "two", world.clock(), Binding("production"))
    assert world.secrets.names(*PROJECT)[-1].environment == "production"
    assert bound_to() == bound_to(1) == {"production"}  # also the version from before
    world.secrets.put(*PROJECT, "token", "three", world.clock())
    assert [known.environment for known in world.secrets.names(*PROJECT)] == [None, "production"]
    world.secrets.put(*PROJECT, "token", "four", world.clock(), Binding(None))
    assert (bound_to(), bound_to(3)) == (set(), {"production"})  # what was bound stays so
    world.secrets.put(*PROJECT, "token", "five", world.clock(), Binding("staging"))
    assert bound_to(3) == {"production", "staging"}


def test_a_secret_is_bounded(world: World) -> None:
    with pytest.raises(TooLarge):
        world.secrets.put(*PROJECT, "token", "é" * 40_000, world.clock())


def test_a_secret_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        world.secrets.delete(*PROJECT, "none")
    assert world.secrets.decrypt(*PROJECT, {"git-read": None, "none": None}).keys() == {"git-read"}
    with pytest.raises(NotFound, match="Version 1 of the secret none"):
        world.secrets.decrypt(*PROJECT, {"none": 1})


def test_a_ciphertext_cannot_be_moved_to_another_secret(world: World) -> None:
    item = SecretItem.get(*SecretItem.key(*PROJECT, "git-read"))
    SecretItem(
        *SecretItem.key("default", "other", "git-read"),
        name=item.name,
        version=item.version,
        updated_at=item.updated_at,
        parts=item.parts,
    ).save()
    with pytest.raises(Conflict):
        world.secrets.decrypt("default", "other", {"git-read": None})


@pytest.mark.parametrize("method", ["put_object", "get_object"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"])
def test_urls_are_signed_as_botocore_signs_them(
    cloud: None, monkeypatch: pytest.MonkeyPatch, method: str, endpoint: str | None
) -> None:
    key = "runs/r/values/make/1/a b/000000000001"
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    style = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    s3: Any = botocore.session.get_session().create_client(
        "s3", region_name=REGION, config=style, endpoint_url=endpoint or f"https://s3.{REGION}.amazonaws.com"
    )
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False):
        urls = S3DataUrls(Buckets("data"), REGION)
        ours = urls.upload(key, 1234, EMPTY_SHA256) if method == "put_object" else urls.download(key)
        checksum = base64.b64encode(bytes.fromhex(EMPTY_SHA256)).decode()
        once: dict[str, Any] = {"IfNoneMatch": "*", "ContentLength": 1234, "ChecksumSHA256": checksum}
        once = once if method == "put_object" else {}
        theirs = s3.generate_presigned_url(method, Params={"Bucket": "data", "Key": key, **once}, ExpiresIn=LIFETIME)
    assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)
    signed = parse_qs(urlsplit(ours).query)["X-Amz-SignedHeaders"][0].split(";")
    assert signed == (
        ["content-length", "host", "if-none-match", "x-amz-checksum-sha256"] if method == "put_object" else ["host"]
    )


def test_a_url_is_signed_for_one_length_and_one_digest(cloud: None) -> None:
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False):
        urls = S3DataUrls(Buckets("data"), REGION)
        signed = [urls.upload("k", length, digest) for length in (0, 1, 2) for digest in (EMPTY_SHA256, "ab" * 32)]
    assert len({parse_qs(urlsplit(url).query)["X-Amz-Signature"][0] for url in signed}) == 6


def test_what_the_bucket_has_is_read_with_its_digest(world: World) -> None:
    for key, how in (("a", {"ChecksumAlgorithm": "SHA256"}), ("b", {"ChecksumAlgorithm": "CRC32"})):
        client("s3").put_object(Bucket="data", Key=key, Body=b"content", **how)
    digest = hashlib.sha256(b"content").hexdigest()
    chunks = S3Chunks(Buckets("data"))
    assert chunks.stored(["a", "missing", "b"]) == [StoredObject(7, digest), None, StoredObject(7, None)]
    assert list(chunks.stored(["a"])) == [StoredObject(7, digest)]
    assert list(chunks.stored([])) == []


def test_the_work_notification_is_one_queue_per_pool_made_once(world: World) -> None:
    world.work_notification.ring("default", "local")
    rung = world.work_notification.listen("default", "local")
    other = type(world.work_notification)("work-notification-").listen("default", "other")
    name = queue_name("work-notification-", "default", "local")
    assert urlsplit(rung.url).path.endswith(f"/{name}")
    assert urlsplit(other.url).path != urlsplit(rung.url).path
    query = parse_qs(urlsplit(rung.url).query)
    assert query["Action"] == ["ReceiveMessage"]
    assert query["WaitTimeSeconds"] == [str(WAIT_SECONDS)]
    assert int(query["X-Amz-Expires"][0]) >= 3600
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"
    world.work_notification.ring("default", "local", "a-runner")
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)["Messages"]
    assert sorted(message["Body"] for message in received) == ["runner:a-runner", "work"]
    assert attributes["MessageRetentionPeriod"] == attributes["VisibilityTimeout"] == "60"


def test_a_work_notification_that_was_removed_is_made_again(world: World) -> None:
    world.work_notification.ring("default", "local")
    name = queue_name("work-notification-", "default", "local")
    sqs = client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    world.work_notification.ring("default", "local")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"]


def batch(count: int, size: int = 10) -> LogBatch:
    lines = [
        LogLine(seq=n, time="2026-01-01T00:00:00.000Z", stream="stdout", level="info", text="x" * size)
        for n in range(1, count + 1)
    ]
    return LogBatch(run_id=RUN_ID, runner_id="runner", treatment="make", attempt=1, lines=lines)


def stored_records() -> list[LogBatch]:
    kinesis = client("kinesis")
    shard = kinesis.describe_stream(StreamName="log-lines")["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="log-lines", ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    return [decode(record["Data"]) for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def test_lines_are_taken_by_the_stream_in_order(cloud: None) -> None:
    client("kinesis").create_stream(StreamName="log-lines", ShardCount=1)
    assert KinesisLogLines("log-lines", S3SentLines(Buckets("data")).store).put(batch(60, size=60_000)) == 60
    stored = stored_records()
    assert len(stored) > 1
    assert [line.seq for part in stored for line in part.lines] == list(range(1, 61))


def test_a_parked_stream_says_when_to_come_again(cloud: None) -> None:
    with pytest.raises(Transient) as refused:
        KinesisLogLines("log-lines", S3SentLines(Buckets("data")).store).put(batch(1))
    assert refused.value.retry_after >= 1


class Throttling:
    """A Kinesis that refuses the records at these positions of its successive answers."""

    def __init__(self, *refusals: set[int]) -> None:
        self.refusals = list(refusals)
        self.taken: list[LogBatch] = []

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        refused = self.refusals.pop(0) if self.refusals else set()
        answers = []
        for index, record in enumerate(Records):
            if index in refused:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.taken.append(decode(record["Data"]))
                answers.append({"SequenceNumber": "1"})
        return {"FailedRecordCount": len(refused), "Records": answers}


@pytest.fixture
def throttling(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Throttling]:
    def use(*refusals: set[int]) -> Throttling:
        fake = Throttling(*refusals)
        monkeypatch.setattr(kinesis_log_lines, "client", lambda _: fake)
        monkeypatch.setattr(kinesis_log_lines, "time", SimpleNamespace(sleep=lambda _: None))
        return fake

    return use


def test_what_was_refused_is_sent_again(throttling: Callable[..., Throttling]) -> None:
    fake = throttling({1}, {0})
    assert KinesisLogLines("log-lines", S3SentLines(Buckets("data")).store).put(batch(60, size=60_000)) == 60
    assert {line.seq for part in fake.taken for line in part.lines} == set(range(1, 61))


def test_only_what_was_taken_is_acknowledged(throttling: Callable[..., Throttling]) -> None:
    fake = throttling({1}, {0}, {0}, {0})
    through = KinesisLogLines("log-lines", S3SentLines(Buckets("data")).store).put(batch(60, size=60_000))
    assert through == fake.taken[0].lines[-1].seq
    assert 0 < through < 60


def test_a_stream_that_takes_nothing_is_transient(throttling: Callable[..., Throttling]) -> None:
    throttling({0}, {0}, {0}, {0})
    with pytest.raises(Transient):
        KinesisLogLines("log-lines", S3SentLines(Buckets("data")).store).put(batch(1))


def test_segments_and_manifests_agree(world: World) -> None:
    index = IndexLogs(world.log_index, world.log_segments, a_run)
    assert index.index_batches(RUN_ID, [batch(3)]) == 3
    assert index.index_batches(RUN_ID, [batch(3)]) == 0
    assert index.index_batches(RUN_ID, [batch(5)]) == 2
    first, second = world.log_index.list_segments(RUN_ID, 0, 10)
    assert [line["seq"] for line in world.log_segments.read(first.key)] == [1, 2, 3]
    assert [line["seq"] for line in world.log_segments.read(second.key)] == [4, 5]
    assert world.log_index.list_segments(RUN_ID, 1, 10) == [second]
    assert (second.number, second.lines, second.treatments, second.levels) == (1, 2, ("make",), ("info",))


def test_a_segment_takes_one_read_and_one_transaction(world: World) -> None:
    index = IndexLogs(world.log_index, world.log_segments, a_run)
    for lines in (3, 5):
        with calls() as made:
            index.index_batches(RUN_ID, [batch(lines)])
        assert made == ["BatchGetItem", "TransactWriteItems"]


def test_a_segment_that_the_bucket_has_expired_holds_no_lines(world: World) -> None:
    IndexLogs(world.log_index, world.log_segments, a_run).index_batches(RUN_ID, [batch(3)])
    (segment,) = world.log_index.list_segments(RUN_ID, 0, 10)
    client("s3").delete_object(Bucket="data", Key=segment.key)
    assert S3LogSegments("data").read(segment.key) == []


def test_of_two_writers_one_starts_anew(world: World) -> None:
    class Interrupted(S3LogSegments):
        """Another writer appends between this one's segment and its manifest."""

        others: ClassVar[list[LogBatch]] = [batch(2)]

        def write(self, run_id: str, number: int, lines: Any, bucket: str | None = None) -> str:
            key: str = super().write(run_id, number, lines, bucket)
            if self.others:
                IndexLogs(world.log_index, world.log_segments, a_run).index_batches(run_id, [self.others.pop()])
            return key

    assert IndexLogs(world.log_index, Interrupted("data"), a_run).index_batches(RUN_ID, [batch(4)]) == 2
    lines = [
        line["seq"]
        for segment in world.log_index.list_segments(RUN_ID, 0, 10)
        for line in world.log_segments.read(segment.key)
    ]
    assert lines == [1, 2, 3, 4]


def test_what_is_masked_is_known_by_digests_and_handed_on(world: World) -> None:
    masks = S3ReportMasks(client("s3"), "data")
    masks.hand_on("nobody", "worker")
    masks.note("asking", ["b", "a", "b"])
    masks.hand_on("asking", "worker")
    keys = [item["Key"] for item in client("s3").list_objects_v2(Bucket="data", Prefix="runs/")["Contents"]]
    assert keys == ["runs/asking/melodium/secrets", "runs/worker/melodium/secrets"]
    assert {client("s3").get_object(Bucket="data", Key=key)["Body"].read() for key in keys} == {b'["a", "b"]'}


def test_the_bytes_of_a_days_lines_are_counted_by_project(world: World) -> None:
    use = DynamoProjectLogUse("logs")
    assert use.add("default", "web", "2026-11-30", 0) == 0
    assert use.add("default", "web", "2026-11-30", 10) == 10
    assert use.add("default", "web", "2026-11-30", 5) == 15
    assert use.add("default", "web", "2026-12-01", 5) == 5
    assert use.add("default", "other", "2026-11-30", 1) == 1


def test_what_a_watermark_knows_of_its_quota_is_stored(world: World) -> None:
    limit = LimitLogs(LogQuota(runner=3, project=1 << 30), DynamoProjectLogUse("logs"), world.clock)
    index = IndexLogs(world.log_index, world.log_segments, a_run, limit=limit)
    for _ in range(2):
        index.index_batches(RUN_ID, [batch(3)])
    (watermark,) = world.log_index.get_head("default", RUN_ID, [batch(3).runner_id]).watermarks.values()
    assert (watermark.full, watermark.left_out > 0, watermark.size <= 3) == (RUNNER_FULL, True, True)
