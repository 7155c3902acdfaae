"""Legal holds over the API, the command line, and the Lambda `retention`."""

import importlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.shared.plain_items import wired
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.renewal import S3Renewal
from cadence.domain.runs.states import RunState
from cadence.domain.shared.ids import runner_id
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.conftest import REGION, NoLambdas
from tests.integration.api.test_cli import cadence, server  # noqa: F401 (fixtures)
from tests.permissions import within_the_role_of

HOLDS = "/v1/projects/shop/holds"


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def retention(api: Api) -> Callable[[], Any]:
    client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    sys.modules.pop("retention.handler", None)
    handler = importlib.import_module("retention.handler").handler

    def call() -> Any:
        with pytest.MonkeyPatch.context() as patch, within_the_role_of("retention", patch):
            return handler({}, Context())

    return call


@pytest.fixture
def old_run(api: Api) -> str:
    """A run of the project `shop` that ended 40 days ago."""
    assert api("POST", "/v1/projects", {"name": "shop"}).status == 201
    assert api("PUT", "/v1/projects/shop/pipelines/hello", {"document": HELLO}).status == 201
    run_id = str(api("POST", "/v1/projects/shop/pipelines/hello/runs", {}).json["run_id"])
    services = api.services
    ended = datetime.now(UTC) - timedelta(days=40)
    run = services.runs.finish_run(services.runs.get_run(run_id), RunState.SUCCEEDED, None, ended)
    services.run_gates.leave(run)
    return run_id


def put_item(table: str, pk: str, sk: str, expires: timedelta) -> None:
    expires_at = int((datetime.now(UTC) + expires).timestamp())
    client("dynamodb").put_item(TableName=table, Item=wired({"pk": pk, "sk": sk, "expires_at": expires_at}))


def expiry(table: str, pk: str, sk: str) -> timedelta:
    item = client("dynamodb").get_item(TableName=table, Key=wired({"pk": pk, "sk": sk}))["Item"]
    return datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC) - datetime.now(UTC)


def test_a_held_project_is_not_deleted_until_its_holds_are_released(api: Api, lambdas: NoLambdas, old_run: str) -> None:
    first = api("POST", HOLDS, {"reason": "case 7"})
    assert first.status == 201, first.text
    assert first.json["run_id"] is None
    assert [one["FunctionName"] for one in lambdas.invoked][-1] == "retention"
    second = api("POST", HOLDS, {"reason": "audit", "run_id": old_run})
    assert second.status == 201, second.text
    assert api("GET", "/v1/projects/shop/retention").json["holds"] == 2
    for hold in (first, second):
        refused = api("DELETE", "/v1/projects/shop", query={"confirm": "shop"})
        assert refused.status == 409
        assert "legal hold" in refused.text
        released = api("DELETE", f"{HOLDS}/{hold.json['id']}")
        assert released.status == 200, released.text
        assert released.json["released_by"] == first.json["set_by"]
        assert api("DELETE", f"{HOLDS}/{hold.json['id']}").status == 409
    assert [one["reason"] for one in api("GET", HOLDS).json["items"]] == ["audit", "case 7"]
    assert api("DELETE", "/v1/projects/shop", query={"confirm": "shop"}).status == 202
    assert api("POST", HOLDS, {"reason": "too late"}).status == 404
    entries = api("GET", "/v1/audit", query={"project": "shop", "outcome": "accepted"}).json["items"]
    actions = [entry["action"] for entry in entries]
    assert (actions.count("set_hold"), actions.count("release_hold")) == (3, 4)


def test_who_may_only_write_projects_sets_no_hold(api: Api, old_run: str) -> None:
    body = {"name": "t", "project": "shop", "permissions": ["projects:write", "projects:read"]}
    token = api("POST", "/v1/tokens", body).json["token"]
    assert api("POST", HOLDS, {"reason": "r"}, token=token).status == 403
    assert api("GET", HOLDS, token=token).status == 200
    for wrong in ({}, {"reason": ""}, {"reason": "  "}):
        assert api("POST", HOLDS, wrong).status == 422, wrong
    assert api("POST", HOLDS, {"reason": "r", "run_id": "01aaaaaaaaaaaaaaaaaaaaaaaa"}).status == 404
    assert api("DELETE", f"{HOLDS}/01aaaaaaaaaaaaaaaaaaaaaaaa").status == 404


def test_what_would_expire_soon_expires_later_and_passing_items_do_not(
    api: Api, old_run: str, retention: Callable[[], Any]
) -> None:
    soon, passing = timedelta(days=1), timedelta(hours=1)
    runner = f"RUNNER#{runner_id(old_run, 'greet', 1)}"
    client("dynamodb").put_item(
        TableName="runs", Item=wired({"pk": f"RUN#{old_run}", "sk": "TREATMENT#greet", "name": "greet", "attempt": 1})
    )
    for table, pk, sk in (("logs", f"RUN#{old_run}", "SEGMENT#000000000001"), ("runners", runner, "RUNNER")):
        put_item(table, pk, sk, soon)
    put_item("telemetry", f"RUN#{old_run}", "COST#greet", timedelta(days=80))
    put_item("runners", f"RUN#{old_run}", "WORKERSECRETS", passing)
    assert api("POST", HOLDS, {"reason": "case 7", "run_id": old_run}).status == 201
    done = retention()
    assert (done["holds"], done["held_runs"], done["renewed_items"], done["renewed_objects"]) == (1, 1, 2, 0)
    assert expiry("logs", f"RUN#{old_run}", "SEGMENT#000000000001") > timedelta(days=89)
    assert expiry("runners", runner, "RUNNER") > timedelta(days=89)
    assert timedelta(days=79) < expiry("telemetry", f"RUN#{old_run}", "COST#greet") < timedelta(days=81)
    assert expiry("runners", f"RUN#{old_run}", "WORKERSECRETS") <= passing
    assert api("GET", HOLDS).json["items"][0]["renewed_at"] is not None
    assert retention()["holds"] == 0


def test_an_object_is_written_again_with_all_that_it_has(aws: None) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    described = {"Metadata": {"kind": "chunk"}, "ContentType": "application/json", "ContentEncoding": "gzip"}
    for key in ("runs/r1/values/a/1/out/1", "runs/r1/logs/1"):
        s3.put_object(Bucket="data", Key=key, Body=b"hello", **described)
    renewal, now = S3Renewal(Buckets.of("data", "")), datetime.now(UTC)
    assert renewal.renew("runs/r1/", now - timedelta(hours=1)).objects == 0
    renewed = renewal.renew("runs/r1/", now + timedelta(hours=1))
    assert (renewed.objects, sum(renewed.days.values())) == (2, 5)
    found = s3.get_object(Bucket="data", Key="runs/r1/logs/1")
    assert found["Body"].read() == b"hello"
    assert {name: found[name] for name in described} == described


def test_the_command_line_holds_and_releases(api: Api, old_run: str, cadence) -> None:  # noqa: F811
    held = cadence("project", "hold", "shop", "--reason", "case 7")
    assert held.exit_code == 0, held.stderr
    (hold,) = api("GET", HOLDS).json["items"]
    assert hold["id"] in held.stdout
    listed = cadence("project", "holds", "shop")
    assert "case 7" in listed.stdout
    assert "1 legal hold" in cadence("retention", "show", "--project", "shop").stdout
    assert cadence("project", "delete", "shop", "--yes").exit_code != 0
    assert cadence("project", "release", "shop", hold["id"]).exit_code == 0
    assert "legal hold" not in cadence("retention", "show", "--project", "shop").stdout
