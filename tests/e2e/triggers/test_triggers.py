"""Runs that start by themselves on the running stack: pull requests, schedules, and the ends of other runs."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.github_events import deliver, pull_request_of_a_fork
from tests.git.repositories import Repository
from tests.waiting import eventually

SECRET = "a webhook's secret, long enough"


class Project:
    """A project of its own, so that nothing else starts runs in it."""

    def __init__(self, api: Api) -> None:
        self.api, self.name = api, f"p{uuid.uuid4().hex[:8]}"
        assert api.call("POST", "/v1/projects", json={"name": self.name}).status_code == 201

    def put(self, document: dict[str, Any]) -> dict[str, Any]:
        where = f"/v1/projects/{self.name}/pipelines/{document['name']}"
        answer = self.api.call("PUT", where, json={"document": {"cadence": 1, **document}})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def run_of(self, pipeline: str, within: float = 60) -> dict[str, Any]:
        """The newest run of a pipeline, once it is there and has ended."""
        found = eventually(lambda: self.api.get("/v1/runs", project=self.name, pipeline=pipeline)["items"], within)
        return self.api.finished(found[0]["run_id"])


@pytest.fixture
def project(api: Api) -> Project:
    return Project(api)


def test_a_forks_pull_request_is_tested_without_secrets(api: Api, project: Project, tmp_path: Path) -> None:
    made = Repository(tmp_path / "web")
    base = made.commit({"src/a.py": "1", "docs/a.md": "1"})
    made.git("checkout", "--quiet", "-b", "change")
    head = made.commit({"src/a.py": "2"})
    stored = api.call("PUT", f"/v1/projects/{project.name}/secrets/deploy-key", json={"value": "s3cr3t-of-the-project"})
    assert stored.ok, stored.text
    say = 'echo "$CADENCE_EVENT_KIND $CADENCE_EVENT_NUMBER $CADENCE_EVENT_FORK $CADENCE_EVENT_PATHS_FROM"'
    treatments = {"test": {"run": say}, "deploy": {"run": "env", "secrets": {"KEY": "deploy-key"}}}
    for name, paths in (("check", ["src/**"]), ("docs", ["docs/**"])):
        project.put(
            {"name": name, "on": {"pull_request": {"branches": ["main"], "paths": paths}}, "treatments": treatments}
        )
    body = {"kind": "github", "project": project.name, "name": "hub", "webhook_secret": SECRET}
    hook = api.call("POST", "/v1/githosts", json=body).json()["webhook_path"]

    announced = pull_request_of_a_fork(7, made.url, base, head)
    assert deliver(api.url + hook, announced, "pull_request", SECRET).status_code == 202

    run = project.run_of("check")
    treated = {treatment["name"]: treatment for treatment in run["treatments"]}
    assert treated["test"]["state"] == "succeeded"
    assert treated["deploy"]["state"] != "succeeded"
    assert "secrets are not given to pull requests from forks" in treated["deploy"]["cause"]
    lines = [line["text"] for line in api.lines(run["run_id"])]
    assert "pull_request 7 true diff" in lines
    assert not any("s3cr3t-of-the-project" in line for line in lines)
    assert api.get("/v1/runs", project=project.name, pipeline="docs")["items"] == []


def test_a_schedule_fires(stack: Stack, project: Project) -> None:
    """Every minute: the schedule is first told that it was made long ago, since a new one rests for a minute."""
    entry = {"cron": "* * * * *", "timezone": "Asia/Kathmandu", "parameters": {"who": "the clock"}}
    stored = project.put(
        {
            "name": "nightly",
            "parameters": {"who": {"type": "string"}},
            "on": {"schedule": [entry]},
            "treatments": {"say": {"run": 'test "$CADENCE_PARAM_who" = "the clock"'}},
        }
    )
    assert len(stored["next_firings"]) == 5
    scheduler = Account(stack).root("scheduler")
    group = "cadence-main-pipelines"
    for name in [one["Name"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]]:
        schedule = scheduler.get_schedule(Name=name, GroupName=group)
        if project.name in schedule["Target"]["Input"]:
            said = (
                "Name",
                "GroupName",
                "ScheduleExpression",
                "ScheduleExpressionTimezone",
                "FlexibleTimeWindow",
                "Target",
            )
            scheduler.update_schedule(**{part: schedule[part] for part in said})

    # Two minutes, if the stack looked at it before it was told.
    run = project.run_of("nightly", within=180)

    assert run["state"] == "succeeded"
    assert run["event"]["kind"] == "schedule"
    assert run["event"]["scheduled_at"].endswith(":00Z")
    assert project.put({"name": "nightly", "treatments": {"say": {"run": "true"}}})["next_firings"] == []


def test_a_pipeline_follows_another_with_its_value(api: Api, project: Project) -> None:
    outputs = {"version": "Block<string>"}
    project.put(
        {"name": "build", "treatments": {"tag": {"outputs": outputs, "run": 'echo 1.2 > "$CADENCE_OUT_version"'}}}
    )
    say = 'grep -o \'"version": *"1.2"\' "$CADENCE_EVENT_FILE" && echo "$CADENCE_EVENT_PIPELINE $CADENCE_EVENT_STATE"'
    project.put({"name": "release", "on": {"pipeline": [{"name": "build"}]}, "treatments": {"say": {"run": say}}})
    started = api.call("POST", f"/v1/projects/{project.name}/pipelines/build/runs", json={"parameters": {}})
    assert started.status_code == 201, started.text

    run = project.run_of("release")

    assert run["state"] == "succeeded", run
    assert run["started_by_run"] == started.json()["run_id"]
    assert run["event"]["outputs"] == {"tag": {"version": "1.2"}}
    assert "build succeeded" in [line["text"] for line in api.lines(run["run_id"], expected=2)]
