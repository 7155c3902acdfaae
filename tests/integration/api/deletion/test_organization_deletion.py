"""Deleting an organization: one item of each kind is there before, nothing but records afterwards."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.deletion.kinds import KINDS, Found, ItemKind
from cadence.adapters.dynamodb.shared.plain_items import wired
from cadence.application.access.authenticate import Authenticate
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.deletion.test_project_deletion import Deletion, deletion, snapshot
from tests.permissions import within_the_role_of

__all__ = ["deletion"]  # a fixture

ACME = "acme-q9"
# What the API has written already, as it does it.
_WRITTEN = {"ORG", "PROJECT#{project}", "POLICY", "POOL#{pool}", "TOKEN#{id}", "INVITATION#{id}", "GITHOST#{id}"}
_WRITTEN |= {"MEMBER#{id}", "TEAM#{team}", "SERVICEACCOUNT#{name}"}
_FOLDERS = ("splits", "sources", "caches", "documents/library")


def put(kind: ItemKind) -> None:
    """Writes an item of a kind, with the attributes that lead to others."""
    names = {"org": ACME, "project": "*", "pool": "builders", "name": "loki", "id": "i-1", "lane": "0"}

    def filled(template: str) -> str:
        return re.sub(r"{([^}:]+)[^}]*}", lambda match: names.get(match[1], match[1].replace(" ", "")), template)

    attributes: dict[str, Any] = {"mark": ACME, "projects": "[]", "event": "{}"}
    if kind.pk.startswith("DEAD_LETTER#"):
        attributes |= {"object_key": "dead-letters/log-lines/q9", "size": 7}
    item = {"pk": filled(kind.pk), "sk": filled(kind.sk), **attributes}
    client("dynamodb").put_item(TableName=kind.table, Item=wired(item))


def fill(api: Api) -> tuple[Api, str]:
    """Creates the organization with an item of each kind that is of no project; returns it and a member's token."""
    created = api("POST", "/v1/organizations", {"name": ACME, "display_name": "Acme Ltd"})
    assert created.status == 201, created.text
    acme = replace(api, token=created.json["token"])

    def call(who: Api, method: str, path: str, body: Any, token: str | None = "") -> Any:
        answer = who(method, path, body, token=token)
        assert answer.status < 300, (path, answer.text)
        return answer.json if answer.text else None

    call(acme, "POST", "/v1/projects", {"name": "web"})
    call(acme, "PUT", "/v1/projects/web/pipelines/hello", {"document": HELLO})
    call(acme, "PUT", "/v1/pools/builders", {"provider": "host"})
    call(acme, "PUT", "/v1/teams/dev", {})
    call(acme, "PUT", "/v1/service-accounts/ci", {})
    code = call(acme, "POST", "/v1/invitations", {"email": "ada@example.org", "teams": ["dev"]})["code"]
    ada = call(acme, "POST", "/v1/accept-invitation", {"code": code, "name": "Ada"}, token=None)["token"]
    call(acme, "POST", "/v1/grants", {"subject": "team:dev", "role": "admin", "scope": "organization"})
    guest = {"team": f"{ACME}/dev", "role": "viewer", "scope": "project:default"}
    code = call(api, "POST", "/v1/invitations", guest)["code"]
    call(acme, "POST", "/v1/accept-invitation/for-team", {"code": code})
    call(api, "POST", "/v1/invitations", guest)
    for kind in KINDS:
        of_organization = "{org}" in kind.pk + kind.sk and "{project}" not in kind.pk + kind.sk
        if (
            of_organization
            and kind.found is not Found.RECORD
            and kind.sk not in _WRITTEN
            and kind.pk != "ORGANIZATIONS"
        ):
            put(kind)
    for folder in _FOLDERS:
        client("s3").put_object(Bucket="data", Key=f"{folder}/{ACME}/gone/one", Body=b"content")
        client("s3").put_object(Bucket="data", Key=f"{folder}/{ACME}-2/gone/one", Body=b"content")
    client("s3").put_object(Bucket="elsewhere", Key=f"splits/{ACME}/gone/one", Body=b"content")
    client("s3").put_object(Bucket="data", Key="dead-letters/log-lines/q9", Body=b"content")
    return acme, ada


def remaining() -> dict[tuple[str, str, str], str]:
    """Returns what names the organization, but not the records of who did what."""
    records = ("AUDIT#", "AUDITCHAIN#", "AUDITED#", "DELETIONS", "REQUEST#")
    found = {}
    for key, value in snapshot().items():
        text = json.dumps([key, value])
        if re.search(rf"{ACME}(?!-2)", text) and not (key[0] == "access" and key[1].startswith(records)):
            found[key] = text
    return found


def test_nothing_remains_of_a_deleted_organization_but_its_name(
    deletion: Deletion, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = deletion.api
    acme, ada = fill(api)
    assert api("GET", "/v1/runs", token=ada, headers={"cadence-organization": "default"}).status == 200
    counted = api("DELETE", f"/v1/organizations/{ACME}", query={"dry_run": "true"}).json
    assert counted["complete"]
    expected = {"projects": 1, "members": 1, "teams": 1, "service accounts": 1, "pools": 1, "pipelines": 1}
    expected |= {"shared secrets": 1, "versions of shared secrets": 1}
    assert expected.items() <= counted["counts"].items()

    answer = api("DELETE", f"/v1/organizations/{ACME}", query={"confirm": ACME})
    assert answer.status == 202, answer.text
    # Everybody is out before anything was removed, also where the organization's teams are guests.
    for token in (acme.token, ada):
        assert api("GET", "/v1/self", token=token).status == 401
        assert api("GET", "/v1/runs", token=token, headers={"cadence-organization": "default"}).status == 401
    again = api("DELETE", f"/v1/organizations/{ACME}", query={"confirm": ACME})
    assert again.status == 409

    with within_the_role_of("delete_projects", monkeypatch):
        for _ in range(2):
            deletion.run_lambda({})
    done = api("GET", f"/v1/organization-deletions/{answer.json['id']}").json
    assert (done["state"], done["organization"], done["remains"]) == ("deleted", ACME, [])
    assert [(one["project"], one["state"]) for one in done["projects"]] == [("web", "deleted")]
    removed = {
        "shared secrets": 1,
        "versions of shared secrets": 1,
        "members": 1,
        "grants in other organizations": 1,
        "invitations of other organizations": 1,
        "objects": 6,
    }
    assert removed.items() <= done["removed"].items()
    assert set(remaining()) == {("access", f"ORG#{ACME}", "ORG")}
    assert len([key for key in snapshot() if f"{ACME}-2" in key[1]]) == len(_FOLDERS)
    assert api("GET", "/v1/organization-deletions").json["items"] == [done]
    assert [one["name"] for one in api("GET", "/v1/organizations").json["items"]] == ["default"]
    (end,) = api("GET", "/v1/audit", query={"outcome": "deleted"}).json["items"]
    assert (end["action"], end["target"]) == ("delete_organization", f"/v1/organization-deletions/{done['id']}")
    assert api("POST", "/v1/organizations", {"name": ACME}).status == 409
    assert api("PATCH", f"/v1/organizations/{ACME}", {"display_name": "x"}).status == 404


def test_guests_of_an_organization_under_deletion_are_out(deletion: Deletion) -> None:
    api = deletion.api
    created = api("POST", "/v1/organizations", {"name": ACME}).json
    acme = replace(api, token=created["token"])
    acme("POST", "/v1/projects", {"name": "web"})
    api("PUT", "/v1/teams/ops", {})
    code = api("POST", "/v1/invitations", {"email": "bo@example.org", "teams": ["ops"]}).json["code"]
    bo = api("POST", "/v1/accept-invitation", {"code": code, "name": "Bo"}, token=None).json["token"]
    share = {"team": "default/ops", "role": "viewer", "scope": "project:web"}
    code = acme("POST", "/v1/invitations", share).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}).status < 300
    acting = {"cadence-organization": ACME}
    assert api("GET", "/v1/projects", token=bo, headers=acting).status == 200
    assert api("DELETE", f"/v1/organizations/{ACME}", query={"confirm": ACME}).status == 202
    assert api("GET", "/v1/projects", token=bo, headers=acting).status == 404
    assert api("GET", "/v1/self", token=bo).status == 200


def test_a_hold_on_a_project_holds_its_organization(deletion: Deletion) -> None:
    api = deletion.api
    acme = replace(api, token=api("POST", "/v1/organizations", {"name": ACME}).json["token"])
    acme("POST", "/v1/projects", {"name": "web"})
    held = acme("POST", "/v1/projects/web/holds", {"reason": "case 7"})
    assert held.status == 201, held.text

    refused = api("DELETE", f"/v1/organizations/{ACME}", query={"confirm": ACME})

    assert refused.status == 409
    assert "legal hold" in refused.text
    assert acme("GET", "/v1/self").status == 200
    assert acme("DELETE", f"/v1/projects/web/holds/{held.json['id']}").status == 200
    assert api("DELETE", f"/v1/organizations/{ACME}", query={"confirm": ACME}).status == 202


def test_deleting_an_organization_is_for_who_runs_the_installation(deletion: Deletion, other_organization: str) -> None:
    api = deletion.api
    own = api("DELETE", "/v1/organizations/rival", query={"confirm": "rival"}, token=other_organization)
    assert own.status == 403
    assert api("GET", "/v1/organization-deletions", token=other_organization).status == 403
    for name, query, status in (
        ("rival", {}, 422),
        ("rival", {"confirm": "default"}, 422),
        ("default", {"confirm": "default"}, 409),
        ("none", {"confirm": "none"}, 404),
    ):
        answer = api("DELETE", f"/v1/organizations/{name}", query=query)
        assert answer.status == status, answer.text
    services = api.services
    assert (
        Authenticate(services.access, services.clock).authenticate(f"Bearer {other_organization}").organization
        == "rival"
    )


def test_an_organization_is_not_deleted_while_anything_of_it_is_held(
    deletion: Deletion, other_organization: str
) -> None:
    api = deletion.api
    holds = "/v1/projects/default/holds"
    held = api("POST", holds, {"reason": "case 7"}, token=other_organization)
    assert held.status == 201, held.text
    refused = api("DELETE", "/v1/organizations/rival", query={"confirm": "rival"})
    assert refused.status == 409
    assert "case 7" in refused.json["detail"]
    assert api("GET", "/v1/self", token=other_organization).status == 200
    assert api("DELETE", f"{holds}/{held.json['id']}", token=other_organization).status < 300
    assert api("DELETE", "/v1/organizations/rival", query={"confirm": "rival"}).status == 202
