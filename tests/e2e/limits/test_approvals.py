"""Treatments that wait for people: approved by API, on the command line and by a link's page, or refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack

PROJECT = "/v1/projects/default/environments/guarded"
DEPLOY = {
    "cadence": 1,
    "name": "deploy",
    "treatments": {"deploy": {"environment": "guarded", "run": 'echo "to $STAGE"'}, "free": {"run": "true"}},
}


@pytest.fixture(autouse=True)
def guarded(api: Api) -> Iterator[None]:
    body = {"env": {"STAGE": "production"}, "approvals": {"required": 1}}
    assert api.call("PUT", PROJECT, json=body).ok
    yield
    assert api.call("DELETE", PROJECT).ok


def waiting(api: Api) -> str:
    run_id = api.start(DEPLOY)
    run = api.until(
        run_id,
        lambda run: states(run).get("free") == "succeeded" and any(one["waiting_for"] for one in run["treatments"]),
    )
    assert states(run)["deploy"] == "ready"
    return run_id


def test_what_is_approved_by_api_runs_with_the_environments_variables(api: Api) -> None:
    run_id = waiting(api)

    decision = {"decision": "approve", "comment": "go"}
    assert api.call("POST", f"/v1/runs/{run_id}/treatments/deploy/approval", json=decision).ok

    assert api.finished(run_id)["state"] == "succeeded"
    assert [line["text"] for line in api.lines(run_id, treatment="deploy")] == ["to production"]


def test_what_is_refused_on_the_command_line_fails_with_the_comment(stack: Stack, api: Api) -> None:
    run_id = waiting(api)

    program = str(Path(sys.executable).with_name("cadence"))
    words = [program, "refuse", run_id, "deploy", "--comment", "not today"]
    subprocess.run(words, cwd=stack.folder, env=dict(os.environ), check=True, capture_output=True)

    run = api.finished(run_id)
    assert (run["state"], states(run)["deploy"]) == ("failed", "failed")
    (deploy,) = (one for one in run["treatments"] if one["name"] == "deploy")
    assert "not today" in deploy["cause"]


def test_opening_a_link_decides_nothing_and_its_form_decides_once(api: Api) -> None:
    run_id = waiting(api)
    made = api.call("POST", f"/v1/runs/{run_id}/treatments/deploy/approval-links")
    path = made.json()["path"]
    address, _, key = path.partition("?key=")

    page = api.call("GET", path, headers={"authorization": ""})
    assert page.ok
    assert "<form" in page.text
    assert states(api.run(run_id))["deploy"] == "ready"
    form = {"key": key, "decision": "approve"}
    assert api.call("POST", address, data=form, headers={"authorization": ""}).ok

    assert api.finished(run_id)["state"] == "succeeded"
    assert not api.call("POST", address, data=form, headers={"authorization": ""}).ok
