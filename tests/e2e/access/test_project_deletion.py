"""A project is deleted by the Lambda with its own role, together with a run that goes on."""

from typing import Any

from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.waiting import eventually

PROJECT = "to-be-deleted"
TABLES = ("access", "alerts", "logs", "pipelines", "repositories", "runners", "runs", "telemetry")
RECORDS = ("AUDIT#", "AUDITED#", "DELETIONS", "REQUEST#")


def test_a_project_is_deleted_with_the_runs_that_go_on(api: Api, stack: Stack) -> None:
    assert api.call("POST", "/v1/projects", json={"name": PROJECT}).status_code == 201
    assert api.call("PUT", f"/v1/projects/{PROJECT}/secrets/key", json={"value": "v"}).ok
    out = {"out": "Block<string>"}
    short = {"one": {"run": "echo first > $CADENCE_OUT_out; echo a line", "outputs": out}}
    ended = start(api, short)
    assert api.finished(ended)["state"] == "succeeded"
    assert api.lines(ended)
    running = start(api, {"long": {"run": "sleep 600"}})
    api.until(running, lambda run: "running" in [one["state"] for one in run["treatments"]])

    counted = api.call("DELETE", f"/v1/projects/{PROJECT}", params={"dry_run": "true"})
    assert counted.status_code == 200, counted.text
    assert {"runs": 2, "secrets": 1, "values": 1}.items() <= counted.json()["counts"].items()
    accepted = api.call("DELETE", f"/v1/projects/{PROJECT}", params={"confirm": PROJECT})
    assert accepted.status_code == 202, accepted.text
    record = f"/v1/project-deletions/{accepted.json()['id']}"

    account = Account(stack)

    def deleted() -> bool:
        # The call of every hour, which goes on where the first one could not.
        account.root("lambda").invoke(
            FunctionName="cadence-main-delete-projects", InvocationType="Event", Payload=b"{}"
        )
        return bool(api.get(record)["state"] == "deleted")

    eventually(deleted, what=lambda: api.get(record), pause=3.0)
    assert api.get(record)["removed"]["runs"] == 2
    assert api.call("GET", f"/v1/runs/{running}").status_code == 404
    assert remaining(stack, (PROJECT, ended, running)) == []


def start(api: Api, treatments: dict[str, Any]) -> str:
    document = {"cadence": 1, "name": "one", "treatments": treatments}
    response = api.call("POST", f"/v1/projects/{PROJECT}/runs", json={"document": document})
    assert response.status_code == 201, response.text
    return str(response.json()["run_id"])


def remaining(stack: Stack, marks: tuple[str, ...]) -> list[tuple[str, str]]:
    """Returns the keys of items and objects in which one of the texts is found."""
    account = Account(stack)
    variables = account.variables("delete-projects")
    found = []
    for table in TABLES:
        name = variables[f"CADENCE_{table.upper()}_TABLE"]
        for page in account.root("dynamodb").get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                key = item["pk"]["S"], item["sk"]["S"]
                expires = "expires_at" in item and key[0].startswith(("SEEN#", "ARRIVALS#", "POOL#"))
                if any(mark in str(item) for mark in marks) and not key[0].startswith(RECORDS) and not expires:
                    found.append(key)
    bucket = variables["CADENCE_DATA_BUCKET"]
    for page in account.root("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
        found += [("data", one["Key"]) for one in page.get("Contents", ()) if any(mark in one["Key"] for mark in marks)]
    return found
