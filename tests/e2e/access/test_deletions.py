"""A project and an organization are deleted by the Lambda with its own role, together with runs that go on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.waiting import eventually

PROJECT = "to-be-deleted"
ORGANIZATION = "acme-that-ends"
# On a busy machine, metrics of the last run may be counted after the short delay of a local stack.
TABLES = ("access", "alerts", "logs", "pipelines", "repositories", "runners", "runs")
RECORDS = ("AUDIT#", "AUDITED#", "DELETIONS", "REQUEST#")
# Of an organization: its name, which no other one ever gets, and the end of its audit log's chain.
STAYS = ("ORGANIZATIONS", "AUDITCHAIN#")
ITSELF = (f"ORG#{ORGANIZATION}", "ORG")


@dataclass(frozen=True)
class Deletion:
    """The path of its record, and two runs: the first goes on or waits, the second has ended."""

    record: str
    unfinished: str
    ended: str


@pytest.fixture(scope="module", autouse=True)
def project(api: Api) -> Deletion:
    """A deletion waits for half a minute before it removes anything: both are requested before either is awaited."""
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
    return Deletion(f"/v1/project-deletions/{accepted.json()['id']}", running, ended)


@pytest.fixture(scope="module", autouse=True)
def organization(api: Api) -> Deletion:
    created = api.call("POST", "/v1/organizations", json={"name": ORGANIZATION, "display_name": "Acme Ltd"})
    assert created.status_code == 201, created.text
    acme = replace(api, token=created.json()["token"])
    renamed = api.call("PATCH", f"/v1/organizations/{ORGANIZATION}", json={"display_name": "Acme and Sons"})
    assert renamed.json()["display_name"] == "Acme and Sons"
    code = ""
    for method, path, body in (
        ("POST", "/v1/projects", {"name": "default"}),
        ("PUT", "/v1/pools/builders", {"provider": "host"}),
        ("PUT", "/v1/projects/default/secrets/key", {"value": "v"}),
        ("PUT", "/v1/organizations/quotas", {"max_running_runs": 3}),
        ("POST", "/v1/invitations", {"email": "ada@example.org"}),
    ):
        answer = acme.call(method, path, json=body)
        assert answer.ok, (path, answer.text)
        code = answer.json().get("code", "") if answer.text else ""
    accepted = api.call("POST", "/v1/accept-invitation", json={"code": code, "name": "Ada"})
    ada = replace(api, token=accepted.json()["token"])
    # Nobody takes it: its pool has no host.
    waiting = acme.start({"cadence": 1, "name": "one", "treatments": {"one": {"pools": ["builders"], "run": "true"}}})
    ended = acme.start({"cadence": 1, "name": "two", "treatments": {"two": {"when": "${{ 1 == 2 }}", "run": "true"}}})
    acme.finished(ended)

    own = acme.call("DELETE", f"/v1/organizations/{ORGANIZATION}", params={"confirm": ORGANIZATION})
    assert own.status_code == 403, own.text
    counted = api.call("DELETE", f"/v1/organizations/{ORGANIZATION}", params={"dry_run": "true"})
    assert counted.status_code == 200, counted.text
    assert {"projects": 1, "members": 1, "pools": 1, "runs": 2}.items() <= counted.json()["counts"].items()
    deletion = api.call("DELETE", f"/v1/organizations/{ORGANIZATION}", params={"confirm": ORGANIZATION})
    assert deletion.status_code == 202, deletion.text
    for gone in (acme, ada):
        assert gone.call("GET", "/v1/self").status_code == 401
    return Deletion(f"/v1/organization-deletions/{deletion.json()['id']}", waiting, ended)


@pytest.fixture
def until_deleted(api: Api, stack: Stack) -> Callable[[Deletion], None]:
    lambdas = Account(stack).root("lambda")

    def wait(deletion: Deletion) -> None:
        def deleted() -> bool:
            # The call of every hour, which goes on where the first one could not.
            lambdas.invoke(FunctionName="cadence-main-delete-projects", InvocationType="Event", Payload=b"{}")
            return bool(api.get(deletion.record)["state"] == "deleted")

        eventually(deleted, what=lambda: api.get(deletion.record), pause=3.0)

    return wait


def test_a_project_is_deleted_with_the_runs_that_go_on(
    api: Api, stack: Stack, project: Deletion, until_deleted: Callable[[Deletion], None]
) -> None:
    until_deleted(project)
    assert api.get(project.record)["removed"]["runs"] == 2
    assert api.call("GET", f"/v1/runs/{project.unfinished}").status_code == 404

    def left() -> list[tuple[str, str]]:
        return remaining(stack, (PROJECT, project.ended, project.unfinished))

    # A host's item names a runner until the host calls again.
    eventually(lambda: not left(), what=left)


def test_an_organization_is_deleted_with_its_people_pools_and_runs(
    api: Api, stack: Stack, organization: Deletion, until_deleted: Callable[[Deletion], None]
) -> None:
    until_deleted(organization)

    def left() -> list[tuple[str, str]]:
        found = remaining(stack, (ORGANIZATION, organization.unfinished, organization.ended))
        return [key for key in found if key != ITSELF and not key[0].startswith(STAYS)]

    eventually(lambda: not left(), what=left)
    again = api.call("POST", "/v1/organizations", json={"name": ORGANIZATION})
    assert again.status_code == 409, again.text


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
