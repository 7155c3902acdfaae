"""Erasing a person: nothing names it afterwards, what refers to it keeps an id, and the chain stays intact."""

import json
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.domain.access.audit_chain import ChainHead, IdentifiedEntry, extend, record_digest
from cadence.domain.shared.errors import Transient
from tests.integration.api.calling import Answer, Api
from tests.integration.api.test_cli import cadence, server  # noqa: F401 (fixtures)

NAME, EMAIL = "Ada Lovelace", "ada@example.org"


def ok(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return answer.json


def add_person(api: Api) -> tuple[str, str]:
    """Returns the member's id and a token of the member, whose name and address several kinds of items have."""
    invited = ok(api("POST", "/v1/invitations", {"email": EMAIL, "role": "admin", "scope": "organization"}), 201)
    accepted = ok(api("POST", "/v1/accept-invitation", {"code": invited["code"], "name": NAME}), 201)
    ok(api("POST", "/v1/invitations", {"email": EMAIL.upper(), "role": "viewer", "scope": "organization"}), 201)
    return accepted["member"]["member_id"], accepted["token"]


def provision(api: Api) -> None:
    """Adds a deactivated user of a provisioning service with the same address, who is no member."""
    token = ok(api("POST", "/v1/tokens", {"name": "scim", "permissions": ["scim:provision"], "project": "*"}), 201)
    user = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": EMAIL,
        "active": False,
        "displayName": NAME,
    }
    ok(api("POST", "/scim/v2/Users", user, token=token["token"]), 201)


def items_with(*texts: str) -> list[tuple[str, str]]:
    """Returns the keys of items of the table `access` that contain one of the texts, in whatever case."""
    found = client("dynamodb").scan(TableName="access", ConsistentRead=True)["Items"]
    return [
        (item["pk"]["S"], item["sk"]["S"])
        for item in found
        if any(text.casefold() in json.dumps(item, default=str).casefold() for text in texts)
    ]


def actions_of(api: Api, actor: str) -> list[tuple[str, str]]:
    return [(one["action"], one["by"]) for one in ok(api("GET", "/v1/audit", query={"actor": actor}))["items"]]


def test_nothing_names_a_person_who_was_erased(api: Api) -> None:
    member, token = add_person(api)
    provision(api)
    ok(api("POST", "/v1/projects", {"name": "shop"}, token=token), 201)
    assert ("create_project", NAME) in actions_of(api, NAME)
    shown = ok(api("GET", f"/v1/members/{member}/data"))
    assert (shown["name"], shown["email"]) == (NAME, EMAIL)
    assert shown["counts"] == {
        "members": 1, "provisioned users": 1, "invitations": 1, "tokens with their sessions": 1, "grants": 1
    }  # fmt: skip

    for confirm in ({}, {"confirm": NAME}):
        assert api("DELETE", f"/v1/members/{member}/data", query=confirm).status == 422
    certificate = ok(api("DELETE", f"/v1/members/{member}/data", query={"confirm": member}))

    assert certificate["removed"] == shown["counts"]
    assert certificate["finished_at"] is not None
    assert items_with(NAME, EMAIL) == []
    assert api("GET", "/v1/self", token=token).status == 401
    assert ("create_project", "") in actions_of(api, f"member:{member}")
    assert actions_of(api, NAME) == []
    assert ok(api("GET", "/v1/member-erasures"))["items"] == [certificate]
    assert ok(api("GET", f"/v1/member-erasures/{certificate['id']}")) == certificate
    assert api("GET", f"/v1/members/{member}/data").status == 404
    assert api("DELETE", f"/v1/members/{member}/data", query={"confirm": member}).status == 404
    outcomes = ok(api("GET", "/v1/audit", query={"action": "erase_member", "outcome": "erased"}))["items"]
    assert [one["target"] for one in outcomes] == [f"/v1/member-erasures/{certificate['id']}"]


def test_the_audit_log_names_a_former_member_until_it_is_erased(api: Api) -> None:
    member, token = add_person(api)
    ok(api("POST", "/v1/projects", {"name": "shop"}, token=token), 201)
    assert api("DELETE", f"/v1/members/{member}").status == 204
    assert ("create_project", NAME) in actions_of(api, NAME)
    assert [sk for _, sk in items_with(NAME)] == [f"FORMERMEMBER#{member}"]
    removed = ok(api("DELETE", f"/v1/members/{member}/data", query={"confirm": member}))["removed"]
    assert removed == {"names of former members": 1, "invitations": 1}
    assert items_with(NAME, EMAIL) == []


def test_an_interrupted_erasure_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    member, _ = add_person(api)

    def interrupt(manage: object, organization: str, member_id: str) -> None:
        raise Transient("the table is busy")

    people = api.services.people
    with monkeypatch.context() as patch:
        patch.setattr(type(people.manage), "remove_member", interrupt)
        with pytest.raises(Transient):
            people.erase.erase(principal(api), "default", member, member)
    (begun,) = people.erasures.list("default")
    assert begun.finished_at is None
    done = ok(api("DELETE", f"/v1/members/{member}/data", query={"confirm": member}))
    assert (done["id"], done["removed"]) == (begun.erasure_id, dict(begun.removed))
    assert items_with(NAME, EMAIL) == []


def principal(api: Api) -> Any:
    return api.services.authenticate.authenticate(f"Bearer {api.token}")


def test_a_legal_hold_keeps_the_name_and_not_the_access(api: Api) -> None:
    member, token = add_person(api)
    ok(api("POST", "/v1/projects", {"name": "shop"}), 201)
    hold = ok(api("POST", "/v1/projects/shop/holds", {"reason": "case 7"}), 201)
    refused = api("DELETE", f"/v1/members/{member}/data", query={"confirm": member})
    assert (refused.status, "case 7" in refused.text) == (409, True)
    assert api("DELETE", f"/v1/members/{member}").status == 204
    assert api("GET", "/v1/self", token=token).status == 401
    assert items_with(NAME) != []
    ok(api("DELETE", f"/v1/projects/shop/holds/{hold['id']}"))
    ok(api("DELETE", f"/v1/members/{member}/data", query={"confirm": member}))
    assert items_with(NAME, EMAIL) == []


def test_records_of_the_chain_have_no_name(api: Api) -> None:
    _, token = add_person(api)
    ok(api("POST", "/v1/projects", {"name": "shop"}, token=token), 201)
    entries = api.services.audit.entries("default", 50, None).items
    assert any(entry.actor.startswith("member:") for entry in entries)
    records, _ = extend(ChainHead(), [IdentifiedEntry(str(number), entry) for number, entry in enumerate(entries)])
    assert NAME not in json.dumps(records)
    assert EMAIL not in json.dumps(records)
    assert all(record_digest(record) == record["digest"] for record in records)


def test_the_command_line_erases(api: Api, cadence) -> None:  # noqa: F811
    member, _ = add_person(api)
    dry = cadence("member", "erase", member, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "1 members" in dry.stdout
    assert "hash chain" in dry.stdout.replace("\n", " ")
    assert cadence("member", "erase", member).exit_code == 2
    assert ok(api("GET", f"/v1/members/{member}"))["name"] == NAME
    erased = cadence("member", "erase", member, "--yes")
    assert erased.exit_code == 0, erased.stderr
    assert member in cadence("member", "erasures").stdout
    assert items_with(NAME, EMAIL) == []
