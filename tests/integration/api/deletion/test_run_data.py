"""Where the data of a run lies, and who read it: from what buckets have and from the audit log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.domain.runs.states import RunState
from cadence.domain.shared import ids
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
    assert {(one["bucket"], one["region"]) for one in found["data"]} == {("data", REGION), ("elsewhere", REGION)}
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
    assert sum(one["bytes"] for one in found["data"]) == sum(every.values())
    assert sum(one["objects"] for one in found["data"]) == len(every)
    assert all(one["kept_until"] is None for one in found["data"])  # the run goes on


def test_the_time_of_removal_is_the_sooner_one_and_none_while_it_is_held(api: Api, run_id: str) -> None:  # noqa: F811
    run = api.services.runs.get_run(run_id)
    ended = datetime.now(UTC) - timedelta(days=3)
    api.services.runs.finish_run(run, RunState.FAILED, "it failed", ended)
    assert api("PUT", "/v1/projects/default/retention", {"days": 7}).status == 200
    untils = {one["kept_until"] for one in report(api, run_id)["data"]}
    assert [datetime.fromisoformat(until) for until in untils] == [ended + timedelta(days=7)]
    assert api("POST", "/v1/projects/default/holds", {"reason": "case 7"}).status == 201
    assert {(one["kept_until"], one["held"]) for one in report(api, run_id)["data"]} == {(None, True)}


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
