"""The catalogue of splits and the splits themselves on moto: what the index relies on of DynamoDB and S3."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.splits import S3Splits
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.search.index_project import IndexProject
from cadence.application.search.schedule_indexing import ScheduleIndexing
from cadence.application.search.split_ports import SplitBounds
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import Query, Word
from cadence.domain.shared.errors import Conflict
from tests.fakes.services import ManualClock

RUN = "01jrun000000000000000000aa"
# Fresh segments have waited long enough for company by then.
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
RETENTION = timedelta(days=7)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(aws_clients, "REGION", "eu-west-1")
    for module in ("cadence.adapters.dynamodb.shared.binding",):
        monkeypatch.setattr(f"{module}.REGION", "eu-west-1")
    aws_clients.client.cache_clear()
    aws_clients._session.cache_clear()
    with mock_aws():
        aws_clients.client("dynamodb").create_table(
            TableName="logs",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        aws_clients.client("s3").create_bucket(
            Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield
    aws_clients.client.cache_clear()
    aws_clients._session.cache_clear()


def _line(seq: int, text: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "time": f"2026-03-01T11:00:00.{seq:03}Z",
        "runner": "r",
        "pool": "linux",
        "treatment": "compile",
        "attempt": 1,
        "stream": "stdout",
        "level": "info",
        "text": text,
    }


def _append(number: int, texts: list[str]) -> Segment:
    index, segments = DynamoLogIndex("logs"), S3LogSegments("data")
    lines = [_line(number * 10 + position, text) for position, text in enumerate(texts, 1)]
    key = segments.write(RUN, number, lines)
    head = index.get_head("acme", RUN, ["r"])
    first, last = lines[0]["time"], lines[-1]["time"]
    segment = Segment(
        organization="acme",
        project="shop",
        pipeline="build",
        run_id=RUN,
        number=number,
        key=key,
        first_time=first,
        last_time=last,
        lines=len(lines),
        treatments=("compile",),
        levels=("info",),
    )
    index.append(head, segment, [Watermark("r", lines[-1]["seq"])])
    return segment


def _tend(tmp_path: Path, clock: ManualClock) -> tuple[IndexProject, DynamoSplitCatalogue, S3Splits]:
    catalogue, splits = (
        DynamoSplitCatalogue("logs"),
        S3Splits(Buckets("data"), SplitFolder(tmp_path / "splits", 1 << 30)),
    )
    return (
        IndexProject(
            catalogue=catalogue,
            segments=S3LogSegments("data"),
            splits=splits,
            clock=clock,
            new_id=new_ulid,
            longest=RETENTION,
        ),
        catalogue,
        splits,
    )


def _keys() -> set[str]:
    found = aws_clients.client("s3").list_objects_v2(Bucket="data", Prefix="splits/")
    return {one["Key"] for one in found.get("Contents", ())}


def test_a_segment_is_fresh_with_its_manifest_until_a_split_covers_it(cloud: None, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    tend, catalogue, splits = _tend(tmp_path, clock)
    written = [_append(number, ["one shared", "two"]) for number in range(3)]
    assert catalogue.list_fresh("acme", "shop") == written
    assert catalogue.list_fresh("acme", "other") == []
    tend.build("acme", "shop")
    (split,) = catalogue.list_splits("acme", "shop")
    assert split.covered == {RUN: [(0, 2)]}
    assert split.facts.lines == 6
    assert catalogue.list_fresh("acme", "shop") == []
    opened = splits.open(split)
    assert opened is not None
    query = Query(Word("shared"))
    found = opened.search(query, Matcher(query), 10, SplitBounds(), lambda: False)
    assert [(hit.place.segment, hit.place.index) for hit in found.hits] == [(2, 0), (1, 0), (0, 0)]
    assert not splits.may_match(replace(split, split_id="elsewhere"), Query(Word("absent")))
    assert splits.may_match(replace(split, split_id="elsewhere"), query)


def test_of_two_that_build_at_once_one_counts_and_the_other_leaves_no_object(cloud: None, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    _, catalogue, splits = _tend(tmp_path, clock)
    _append(0, ["one"])

    class Meanwhile(DynamoSplitCatalogue):
        """Between what one reads and writes, another does all of it."""

        began = False

        def list_splits(self, organization: str, project: str) -> Any:
            listed = super().list_splits(organization, project)
            if not self.began:
                self.began = True
                IndexProject(
                    catalogue=catalogue,
                    segments=S3LogSegments("data"),
                    splits=splits,
                    clock=clock,
                    new_id=new_ulid,
                    longest=RETENTION,
                ).build("acme", "shop")
            return listed

    slow = IndexProject(
        catalogue=Meanwhile("logs"),
        segments=S3LogSegments("data"),
        splits=splits,
        clock=clock,
        new_id=new_ulid,
        longest=RETENTION,
    )
    slow.build("acme", "shop")
    (split,) = catalogue.list_splits("acme", "shop")
    assert split.facts.lines == 1
    assert _keys() == {split.key}


def test_only_the_version_that_was_read_can_be_changed(cloud: None, tmp_path: Path) -> None:
    catalogue = DynamoSplitCatalogue("logs")
    state = catalogue.get_state("acme", "shop")
    catalogue.note_look(state, NOW)
    with pytest.raises(Conflict):
        catalogue.note_look(state, None)
    assert catalogue.list_due(NOW, 10) == [("acme", "shop")]
    assert catalogue.list_due(NOW - timedelta(seconds=1), 10) == []
    catalogue.put_retention("acme", "shop", timedelta(days=3), NOW)
    assert catalogue.get_state("acme", "shop").retention == timedelta(days=3)


def test_small_splits_become_one_and_go_with_their_newest_line(cloud: None, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    tend, catalogue, _ = _tend(tmp_path, clock)
    for number in range(10):
        _append(number, ["one"])
        tend.build("acme", "shop")
    assert len(catalogue.list_splits("acme", "shop")) == 10
    clock.advance(timedelta(hours=1))
    tend.tend("acme", "shop", lambda: False)
    (split,) = catalogue.list_splits("acme", "shop")
    assert split.facts.lines == 10
    assert split.covered == {}  # nobody can take any of them for fresh any more
    assert _keys() == {split.key}
    clock.advance(RETENTION)
    tend.tend("acme", "shop", lambda: False)
    assert catalogue.list_splits("acme", "shop") == []
    assert _keys() == set()


def test_a_segment_that_cannot_be_read_is_set_aside_and_can_be_taken_back(cloud: None, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    tend, catalogue, _ = _tend(tmp_path, clock)
    good, bad = _append(0, ["one"]), _append(1, ["two"])
    client = aws_clients.client("s3")
    stored = client.get_object(Bucket="data", Key=bad.key)["Body"].read()
    client.put_object(Bucket="data", Key=bad.key, Body=b"no gzip")
    done = tend.build("acme", "shop")
    assert (done.lines, done.dead_letters) == (good.lines, 1)
    (dead_letter,) = catalogue.list_skipped_segments("acme", "shop")
    assert dead_letter.segment == bad
    client.put_object(Bucket="data", Key=bad.key, Body=stored)
    # Another process, which remembers no segment.
    tend, _, _ = _tend(tmp_path, clock)
    done_again = ScheduleIndexing(catalogue, tend, clock).redrive("acme", "shop")
    assert (done_again["lines"], done_again["failed"]) == (1, 0)
    assert sum(split.facts.lines for split in catalogue.list_splits("acme", "shop")) == 2
    assert catalogue.list_skipped_segments("acme", "shop") == []
