"""Where the data of a run lies, and who read it: from what buckets have and from the audit log."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.runners.runner_items import runner_partition
from cadence.adapters.dynamodb.values.cache_uses import CacheUseItem
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.domain.pipelines.specification import CacheSpec
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import RunState
from cadence.domain.shared import ids
from cadence.domain.values.cache import CacheUse
from cadence.domain.values.run_data import DataKind, DataName, name_of_key
from cadence.domain.values.value_retention import ValueRetention
from tests.integration.api.calling import Api
from tests.integration.api.conftest import REGION
from tests.integration.api.test_cli import cadence, server  # noqa: F401 (fixtures)
from tests.integration.api.test_treatments import run_id  # noqa: F401 (a fixture)
from tests.integration.runners.test_call_counts import calls


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("runs/r/values/build/2/wheel/000000000001", DataName(DataKind.VALUE, "build", 2, "wheel")),
        ("runs/r/values/test:3.13/1/~out/000000000000", DataName(DataKind.VALUE, "test:3.13", 1, "out")),
        ("runs/r/values/main/build/test#2/1/out/000000000000", DataName(DataKind.VALUE, "main/build/test#2", 1, "out")),
        ("runs/r/tests/main/unit/3.json.gz", DataName(DataKind.TEST_REPORT, "main/unit", 3)),
        ("runs/r/logs/000000000001-0123456789ab.jsonl.gz", DataName(DataKind.LOG)),
        ("runs/r/sent-lines/r-1-1-0123456789ab", DataName(DataKind.LOG)),
        ("runs/r/melodium/parts/1", DataName(DataKind.ENGINE)),
        ("runs/r/values/x", DataName(DataKind.OTHER)),
        ("runs/r/new-kind/1", DataName(DataKind.OTHER)),
    ],
)
def test_a_key_says_what_it_is_of(key: str, expected: DataName) -> None:
    assert name_of_key(key) == expected


@pytest.fixture
def elsewhere(api: Api, run_id: str) -> None:  # noqa: F811
    """The second attempt of `total` had a pool that keeps its values in another bucket."""
    client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    retention = ValueRetention("far", bucket="elsewhere")
    DynamoValueRetentionStore("runs").note(run_id, "total", 2, retention)
    key = ids.bucket_and_key(ids.chunk_key(run_id, "total", 2, "seen", 0, "elsewhere"))[1]
    client("s3").put_object(
        Bucket="elsewhere", Key=key, Body=b"12", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/theirs"
    )
    client("s3").delete_object(Bucket="data", Key=ids.chunk_key(run_id, "total", 2, "seen", 0))


def report(api: Api, run_id: str) -> dict[str, Any]:  # noqa: F811
    answer = api("GET", f"/v1/runs/{run_id}/data")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_every_byte_is_in_the_report_with_its_bucket(api: Api, run_id: str, elsewhere: None) -> None:  # noqa: F811
    found = report(api, run_id)
    rows = {one["name"]: one for one in found["data"]}
    assert found["data_complete"]
    objects = [one for one in found["data"] if one["kind"] not in ("record", "document")]
    assert {(one["bucket"], one["region"]) for one in objects} == {("data", REGION), ("elsewhere", REGION)}
    orders, seen = rows["fetch.orders"], rows["total.seen (attempt 2)"]
    assert (orders["kind"], orders["bucket"], orders["objects"], orders["pool"]) == ("value", "data", 3, None)
    assert orders["read_by"] == ["total"]
    assert (seen["bucket"], seen["bytes"], seen["read_by"]) == ("elsewhere", 2, [])
    assert seen["encryption"].startswith("aws:kms, key ")
    assert (rows["log lines"]["bucket"], rows["log lines"]["treatment"]) == ("data", None)
    every = {
        (bucket, item["Key"]): item["Size"]
        for bucket in ("data", "elsewhere")
        for item in client("s3").list_objects_v2(Bucket=bucket, Prefix=f"runs/{run_id}/")["Contents"]
    }
    assert sum(one["bytes"] for one in objects) == sum(every.values())
    assert sum(one["objects"] for one in objects) == len(every)
    assert all(one["kept_until"] is None for one in objects)  # the run goes on


def sent(api: Api, run_id: str) -> None:  # noqa: F811
    """Stores what `fetch` has sent as a value with its beginning."""
    digest = hashlib.sha256(b"1,30").hexdigest()
    api.services.runs.put_values(
        [
            Value(
                run_id=run_id,
                treatment="fetch",
                attempt=1,
                port="orders",
                flow="stream",
                type="byte",
                size=4,
                sha256=digest,
                chunks=1,
                preview=b"1,30",
                created_at=datetime.now(UTC),
            )
        ]
    )


def test_every_record_is_in_the_report_with_its_table(api: Api, run_id: str) -> None:  # noqa: F811
    run = api.services.runs.get_run(run_id)
    sent(api, run_id)
    rows = [one for one in report(api, run_id)["data"] if one["kind"] == "record"]
    assert {one["encryption"] for one in rows} == {"DynamoDB's key (AES-256)"}
    counts: dict[str, list[int]] = {}
    for one in rows:
        total = counts.setdefault(one["bucket"], [0, 0])
        total[0], total[1] = total[0] + one["objects"], total[1] + one["bytes"]
    for table in ("runs", "runners", "logs"):
        items = [
            item
            for item in client("dynamodb").scan(TableName=table)["Items"]
            if run_id in item["pk"]["S"] and item["pk"]["S"].startswith(("RUN#", "RUNNER#"))
        ]
        assert counts[f"table {table}"][0] == len(items)
        # Within a tenth of what the text of all attributes takes.
        text = sum(len(name) + len(str(next(iter(value.values())))) for item in items for name, value in item.items())
        assert counts[f"table {table}"][1] == pytest.approx(text, rel=0.1)
    labels = {one["name"]: one["objects"] for one in rows}
    assert labels["digests and previews of values"] > 0
    assert labels["records of runners"] > 0
    documents = {one["name"]: one for one in report(api, run_id)["data"] if one["kind"] == "document"}
    key = ids.document_key(run.document_sha256)
    assert documents["document"]["bytes"] == client("s3").head_object(Bucket="data", Key=key)["ContentLength"]


def test_a_cache_is_where_the_pool_of_the_attempt_keeps_its_own(
    api: Api,
    run_id: str,  # noqa: F811
    elsewhere: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = api.services.runs.get_run(run_id)
    details = api.services.look.read(run)
    caching = replace(details.specs["total"], caches=(CacheSpec(key="deps", paths=("x",)),))
    specs = {**details.specs, "total": caching}
    monkeypatch.setattr(type(details), "specs", property(lambda _: specs))
    at = datetime.now(UTC)
    use = CacheUse(
        run_id=run_id,
        treatment="total",
        attempt=2,
        entry="01entry",
        key="deps",
        asked="deps",
        size=7,
        sha256="0" * 64,
        saved_at=at,
        at=at,
        maker=None,
    )
    CacheUseItem.of(runner_partition(ids.runner_id(run_id, "total", 2)), "SAVED#01entry", use).save()
    key = ids.bucket_and_key(ids.cache_chunk_key("default", "default", "01entry", 0, "elsewhere"))[1]
    client("s3").put_object(Bucket="elsewhere", Key=key, Body=b"1234567")
    (row,) = [one for one in report(api, run_id)["data"] if one["kind"] == "cache"]
    assert (row["bucket"], row["objects"], row["bytes"], row["sent"]) == ("elsewhere", 1, 7, 7)


def test_the_time_of_removal_is_the_sooner_one_and_none_while_it_is_held(api: Api, run_id: str) -> None:  # noqa: F811
    run = api.services.runs.get_run(run_id)
    ended = datetime.now(UTC) - timedelta(days=3)
    api.services.runs.finish_run(run, RunState.FAILED, "it failed", ended)
    assert api("PUT", "/v1/projects/default/retention", {"days": 7}).status == 200
    untils = {one["kept_until"] for one in report(api, run_id)["data"] if one["kind"] not in ("record", "document")}
    assert [datetime.fromisoformat(until) for until in untils] == [ended + timedelta(days=7)]
    assert api("POST", "/v1/projects/default/holds", {"reason": "case 7"}).status == 201
    assert {(one["kept_until"], one["held"]) for one in report(api, run_id)["data"] if one["kind"] != "document"} == {
        (None, True)
    }


def test_who_read_a_value_is_in_the_report_and_who_may_not_see_it_reads_no_report(
    api: Api,
    run_id: str,  # noqa: F811
) -> None:
    assert report(api, run_id)["reads"] == []
    path = f"/v1/runs/{run_id}/treatments/fetch/outputs/orders"
    assert api("GET", path).status == 200
    (read,) = report(api, run_id)["reads"]
    assert (read["action"], read["target"], read["by"]) == ("read_output", path, "admin")
    body = {"name": "t", "project": "default", "permissions": ["runs:read", "values:read"]}
    token = api("POST", "/v1/tokens", body).json["token"]
    assert api("GET", f"/v1/runs/{run_id}/data", token=token).status == 403
    assert api("GET", "/v1/runs/01aaaaaaaaaaaaaaaaaaaaaaaa/data").status == 404


def test_who_saw_the_beginning_of_a_value_is_in_the_report(api: Api, run_id: str) -> None:  # noqa: F811
    shown, traced = f"/v1/runs/{run_id}/treatments/fetch", f"/v1/runs/{run_id}/provenance"
    sent(api, run_id)
    blind = api.token_for(["runs:read"])
    assert api("GET", shown, token=blind).status == 200
    assert report(api, run_id)["reads"] == []
    answer = api("GET", shown)
    assert any(flow["value"] and flow["value"]["preview"] for flow in answer.json["outputs"])
    assert api("GET", traced, query={"port": "fetch.orders"}).status == 200
    reads = [(one["action"], one["target"]) for one in report(api, run_id)["reads"]]
    assert sorted(reads) == [("show_provenance", traced), ("show_treatment", shown)]


def test_who_read_log_lines_is_in_the_report_once_an_hour(
    api: Api,
    run_id: str,  # noqa: F811
    other_project: str,
) -> None:
    path = f"/v1/runs/{run_id}/logs"
    assert api("GET", path).status == 200
    with calls() as made:
        assert api("GET", path, query={"before": "end"}).status == 200
        assert api("GET", path, query={"grep": "x"}).status == 200
    # Only the first request of the hour writes.
    assert not [one for one in made if "Write" in one or "Put" in one]
    for project in (None, "default", other_project):
        query = {"q": "level:error"} | ({"project": project} if project else {})
        assert api("GET", "/v1/logs", query=query).status == 200
    reads = [(one["action"], one["target"]) for one in report(api, run_id)["reads"]]
    # A search over all projects, and one over the run's own.
    assert sorted(reads) == [("search_logs", "/v1/logs")] * 2 + [("show_logs", path)]
    later = api.services.clock() + timedelta(hours=1)
    with time_machine.travel(later, tick=False):
        assert api("GET", path).status == 200
        assert len(report(api, run_id)["reads"]) == 4


def test_the_command_line_shows_the_report(api: Api, run_id: str, elsewhere: None, cadence) -> None:  # noqa: F811
    shown = cadence("data", run_id)
    assert shown.exit_code == 0, shown.stderr
    assert "fetch.orders" in shown.stdout
    assert "elsewhere" in shown.stdout
    assert '"data_complete"' in cadence("data", run_id, "--json").stdout
