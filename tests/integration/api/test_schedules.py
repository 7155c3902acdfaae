"""Schedules: kept in EventBridge as the pipeline says, fired once for each time; and pipelines that follow others."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from cadence.adapters.aws.clients import client
from cadence.domain.runs.run import Run, Value
from cadence.domain.runs.states import RunState
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.repositories.test_webhooks import Hooks, hooks, put  # noqa: F401 (a fixture)

NIGHTLY = """
cadence: 1
name: nightly
parameters: {full: {type: bool, default: false}, depth: {type: u8, default: 1}}
on:
  schedule:
    - {cron: "0 3 * * *", timezone: Europe/Paris, parameters: {full: true}}
    - {cron: "0 12 13 * FRI"}
treatments: {a: {run: "true"}}
"""


def kept() -> list[dict[str, Any]]:
    listed = client("scheduler").list_schedules(GroupName="pipelines")["Schedules"]
    return [client("scheduler").get_schedule(Name=one["Name"], GroupName="pipelines") for one in listed]


def message(schedule: dict[str, Any], at: str) -> str:
    said: str = schedule["Target"]["Input"]
    return said.replace("<aws.scheduler.scheduled-time>", at)


def test_a_pipelines_schedules_are_kept_as_it_says(api):
    put(api, NIGHTLY.strip())

    schedules = kept()
    assert sorted((one["ScheduleExpression"], one["ScheduleExpressionTimezone"]) for one in schedules) == [
        ("cron(0 12 13 * ? *)", "UTC"),
        ("cron(0 12 ? * 6 *)", "UTC"),
        ("cron(0 3 * * ? *)", "Europe/Paris"),
    ]
    for one in schedules:
        assert one["Target"]["Arn"].endswith(":deliveries")
        assert one["Target"]["DeadLetterConfig"]["Arn"].endswith(":deliveries-failed")
        assert one["Target"]["RoleArn"].endswith(":role/schedules")


def test_storing_again_repairs_and_another_version_replaces(api):
    put(api, NIGHTLY.strip())
    names = {one["Name"] for one in kept()}
    lost = next(one for one in kept() if one["ScheduleExpressionTimezone"] == "Europe/Paris")
    client("scheduler").delete_schedule(Name=lost["Name"], GroupName="pipelines")

    again = api("PUT", "/v1/projects/default/pipelines/nightly", {"document": NIGHTLY.strip()})
    assert again.status == 200
    assert {one["Name"] for one in kept()} == names

    put(api, NIGHTLY.replace('    - {cron: "0 12 13 * FRI"}\n', "").strip())
    assert [one["Name"] for one in kept()] == [lost["Name"]]


def test_one_firing_is_one_run_however_often_it_is_told(api, hooks):  # noqa: F811
    put(api, NIGHTLY.strip())
    paris = next(one for one in kept() if one["ScheduleExpressionTimezone"] == "Europe/Paris")
    both = [one for one in kept() if one["ScheduleExpressionTimezone"] == "UTC"]

    for text in ("2026-03-13T02:00:00Z", "2026-03-13T02:00:00Z", "2026-03-13T02:00:00.123Z"):
        assert hooks.process(message(paris, text)) == []
    assert hooks.process(*(message(one, "2026-03-13T12:00:00Z") for one in both)) == []
    assert len(hooks.runs()) == 2

    assert hooks.process(message(paris, "2026-03-14T02:00:00Z")) == []
    runs = [api("GET", f"/v1/runs/{run['run_id']}").json for run in hooks.runs()]
    assert {run["event"]["scheduled_at"]: (run["parameters"], run["created_by"]) for run in runs} == {
        "2026-03-13T02:00:00Z": ({"full": True, "depth": 1}, "schedule"),
        "2026-03-13T12:00:00Z": ({"full": False, "depth": 1}, "schedule"),
        "2026-03-14T02:00:00Z": ({"full": True, "depth": 1}, "schedule"),
    }
    assert {run["event"]["timezone"] for run in runs} == {"UTC", "Europe/Paris"}


def test_a_schedule_that_its_pipeline_does_not_have_removes_itself(api, hooks):  # noqa: F811
    put(api, NIGHTLY.strip())
    stray = kept()[0]
    said = json.loads(stray["Target"]["Input"])
    for pipeline, digest in (("nightly", "0" * 12), ("gone", said["schedule"][3])):
        said["schedule"][2:] = [pipeline, digest]
        assert hooks.process(json.dumps({**said, "scheduled_at": "2026-03-13T02:00:00Z"})) == []
    assert len(kept()) == 3
    assert hooks.runs() == []

    # A crash between the scheduler and the table.
    key = {"pk": {"S": "PROJECT#default#default"}, "sk": {"S": "PIPELINE#nightly"}}
    client("dynamodb").delete_item(TableName="pipelines", Key=key)
    for one in kept():
        assert hooks.process(message(one, "2026-03-13T02:00:00Z")) == []
    assert kept() == []


def test_what_a_schedule_gives_is_checked(api):
    for wrong, code in (
        (("full: true}", "full: 1}"), "bad-parameter"),
        (("full: true}", "fool: true}"), "unknown-parameter"),
        (("type: u8, default: 1", "type: u8"), "missing-parameter"),
    ):
        answer = api("POST", "/v1/projects/default/pipelines:validate", {"document": NIGHTLY.replace(*wrong)})
        assert code in {finding["code"] for finding in answer.json["findings"]}


@time_machine.travel(datetime(2026, 3, 12, 12, 0, tzinfo=UTC), tick=False)
def test_the_next_firings_are_shown(api):
    put(api, NIGHTLY.strip())

    shown = api("GET", "/v1/projects/default/pipelines/nightly").json
    assert shown["next_firings"] == [
        f"2026-03-{moment}:00Z" for moment in ("13T02:00", "13T12:00", "14T02:00", "15T02:00", "16T02:00")
    ]
    assert shown["triggers"]["schedule"][0]["timezone"] == "Europe/Paris"


@time_machine.travel(datetime(2026, 3, 12, 12, 0, 30, tzinfo=UTC), tick=False)
def test_no_firing_is_announced_before_schedules_are_active(api):
    put(api, "cadence: 1\nname: often\non: {schedule: [{cron: '* * * * *'}]}\ntreatments: {a: {run: 'true'}}\n")

    shown = api("GET", "/v1/projects/default/pipelines/often").json
    assert shown["next_firings"][0] == "2026-03-12T12:02:00Z"


FOLLOWER = """
cadence: 1
name: follower
on:
  pipeline: [{name: hello, states: [succeeded, failed]}]
treatments: {a: {run: "true"}}
"""


@pytest.fixture
def ended(api: Api) -> Run:
    """A run of `hello` that has ended, with two values."""
    put(api, HELLO)
    run_id = api("POST", "/v1/projects/default/pipelines/hello/runs", {"parameters": {}}).json["run_id"]
    runs, now = api.services.runs, api.services.clock()
    sha = "0" * 64
    runs.put_values(
        [
            Value(
                run_id=run_id,
                treatment="build",
                port="version",
                flow="block",
                type="string",
                sha256=sha,
                size=4,
                chunks=1,
                attempt=1,
                preview=b"1.2\n",
            ),
            Value(
                run_id=run_id,
                treatment="build",
                port="count",
                flow="block",
                type="u64",
                sha256=sha,
                size=2,
                chunks=1,
                attempt=1,
                preview=b"42",
            ),
            Value(
                run_id=run_id,
                treatment="build",
                port="large",
                flow="block",
                type="string",
                sha256=sha,
                size=5_000,
                chunks=1,
                attempt=1,
                preview=b"x" * 4_096,
            ),
            Value(
                run_id=run_id,
                treatment="build",
                port="lines",
                flow="stream",
                type="string",
                sha256=sha,
                size=2,
                chunks=1,
                attempt=1,
                preview=b"a\n",
            ),
        ]
    )
    finished: Run = runs.finish_run(runs.get_run(run_id), RunState.SUCCEEDED, None, now)
    return finished


def test_the_end_of_a_run_starts_those_that_follow_it_once(api, hooks, ended):  # noqa: F811
    put(api, FOLLOWER.strip())

    for _ in range(2):
        assert hooks.process(json.dumps({"ended": ended.run_id})) == []

    (run,) = [run for run in hooks.runs() if run["pipeline"] == "follower"]
    assert (run["started_by_run"], run["created_by"]) == (ended.run_id, "pipeline hello")
    assert api("GET", f"/v1/runs/{run['run_id']}").json["event"] == {
        "kind": "pipeline",
        "run_id": ended.run_id,
        "pipeline": "hello",
        "state": "succeeded",
        "outputs": {"build": {"version": "1.2", "count": 42}},
    }
