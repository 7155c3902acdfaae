"""Provisioning with SCIM 2.0: the requests that Entra ID and Okta document, in their spellings, and hostile ones.

Entra ID: learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups.
Okta: developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20.
"""

from typing import Any
from urllib.parse import quote

import pytest

from api.scim_protocol import GROUP, MESSAGES, SCIM_JSON, USER
from tests.integration.api.calling import Answer, Api

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Provisioner:
    """A provisioning service with a token that may do nothing else."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.token = api.token_for(["scim:provision"])

    def __call__(self, method: str, path: str, body: Any = None, query: dict[str, Any] | str | None = None) -> Answer:
        sent = {"content-type": f"{SCIM_JSON}; charset=utf-8"} if body is not None else {}
        answer = self.api(method, f"/scim/v2{path}", body, query=query, token=self.token, headers=sent)
        assert answer.status == 204 or answer.headers["content-type"] == SCIM_JSON, answer.text
        return answer

    def find(self, query: str) -> list[dict[str, Any]]:
        kind, _, text = query.partition(" ")
        answer = self("GET", f"/{kind}", query={"filter": text})
        assert answer.status == 200, answer.text
        assert answer.json["schemas"] == [f"{MESSAGES}:ListResponse"]
        assert answer.json["totalResults"] == len(answer.json["Resources"])
        return list(answer.json["Resources"])

    def patch(self, path: str, *operations: dict[str, Any]) -> Answer:
        return self("PATCH", path, {"schemas": [f"{MESSAGES}:PatchOp"], "Operations": list(operations)})

    def create(self, name: str, **more: Any) -> str:
        answer = self("POST", "/Users", {"schemas": [USER], "userName": name, **more})
        assert answer.status == 201, answer.text
        return str(answer.json["id"])


@pytest.fixture
def scim(api: Api) -> Provisioner:
    return Provisioner(api)


def members(api: Api) -> dict[str, list[str]]:
    """The members' addresses, with their teams."""
    return {one["email"]: one["teams"] for one in api("GET", "/v1/members").json["items"]}


def test_what_entra_id_sends(api, scim):
    api("PUT", "/v1/teams/dev", {"group": "Engineers", "group_source": "scim"})
    # "Test connection" asks for a user that there is not.
    assert scim.find('Users userName eq "non-existent-user"') == []
    created = scim(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
            "userName": "Ada@example.org",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": "ada@example.org"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
            "roles": [],
            ENTERPRISE: {"department": "Engines", "userName": "mallory"},
        },
    )
    assert created.status == 201
    user = created.json
    assert (user["userName"], user["active"]) == ("Ada@example.org", True)
    assert user["meta"]["location"] == f"/scim/v2/Users/{user['id']}"
    assert scim("GET", f"/Users/{user['id']}").json == user
    assert scim.find('Users userName eq "ada@EXAMPLE.org"') == [user]
    assert scim.find('Users externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"') == [user]
    group = scim(
        "POST",
        "/Groups",
        {
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
            "displayName": "Engineers",
            "meta": {"resourceType": "Group"},
        },
    ).json
    shown = scim("GET", f"/Groups/{group['id']}", query={"excludedAttributes": "members"}).json
    assert "members" not in shown
    listed = scim("GET", "/Groups", query='excludedAttributes=members&filter=displayName%20eq%20"Engineers"').json
    assert [one["id"] for one in listed["Resources"]] == [group["id"]]

    add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": user["id"]}]}
    assert scim.patch(f"/Groups/{group['id']}", add).status == 200
    assert members(api) == {"ada@example.org": ["dev"]}
    assert len(scim.find(f'Groups id eq "{group["id"]}" and members eq "{user["id"]}"')) == 1
    remove = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": user["id"]}]}
    assert scim.patch(f"/Groups/{group['id']}", remove).status == 200
    assert members(api) == {"ada@example.org": []}
    scim.patch(f"/Groups/{group['id']}", add)
    remove = {"op": "Remove", "path": f'members[value eq "{user["id"]}"]'}
    assert scim.patch(f"/Groups/{group['id']}", remove).json["members"] == []
    scim.patch(f"/Groups/{group['id']}", add)

    changed = scim.patch(
        f"/Users/{user['id']}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "countess@example.org"},
        {"op": "Replace", "path": "name.familyName", "value": "King"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Analysis"},
        {"op": "Replace", "value": {"displayName": "Ada King", "name.givenName": "Augusta", f"{USER}:active": "True"}},
    ).json
    assert changed["name"] == {"formatted": "Ada Lovelace", "familyName": "King", "givenName": "Augusta"}
    assert members(api) == {"countess@example.org": ["dev"]}

    disabled = scim.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert disabled.json["active"] is False
    assert members(api) == {}
    assert scim.find('Users userName eq "ada@example.org"')[0]["active"] is False
    enabled = scim.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "True"})
    assert (enabled.json["active"], enabled.json["id"]) == (True, user["id"])
    assert members(api) == {"countess@example.org": ["dev"]}

    assert scim("DELETE", f"/Users/{user['id']}").status == 204
    assert members(api) == {}
    assert scim("GET", f"/Users/{user['id']}").status == 404
    assert scim("GET", f"/Groups/{group['id']}").json["members"] == []
    assert scim("DELETE", f"/Groups/{group['id']}").status == 204
    assert scim("DELETE", f"/Groups/{group['id']}").status == 404


def test_what_okta_sends(api, scim):
    api("PUT", "/v1/teams/dev", {"group": "Engineers"})
    asked = scim("GET", "/Users", query={"filter": 'userName eq "ada@example.org"', "startIndex": 1, "count": 100}).json
    assert (asked["totalResults"], asked["startIndex"], asked["itemsPerPage"]) == (0, 1, 0)
    sent = {
        "schemas": [USER],
        "userName": "ada@example.org",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": "ada@example.org", "type": "work"}],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    user = scim("POST", "/Users", sent).json
    assert "password" not in user
    conflict = scim("POST", "/Users", sent)
    assert (conflict.status, conflict.json["scimType"], conflict.json["status"]) == (409, "uniqueness", "409")

    assert scim("GET", "/Groups", query={"startIndex": 1, "count": 100}).json["Resources"] == []
    member = {"value": user["id"], "display": "ada@example.org"}
    group = scim("POST", "/Groups", {"schemas": [GROUP], "displayName": "Engineers", "members": [member]}).json
    assert members(api) == {"ada@example.org": ["dev"]}
    renamed = {"op": "replace", "value": {"id": group["id"], "displayName": "Makers"}}
    assert scim.patch(f"/Groups/{group['id']}", renamed).json["displayName"] == "Makers"
    assert members(api) == {"ada@example.org": []}
    scim.patch(f"/Groups/{group['id']}", {"op": "replace", "value": {"id": group["id"], "displayName": "Engineers"}})
    changes = [
        {"op": "remove", "path": f'members[value eq "{user["id"]}"]'},
        {"op": "add", "path": "members", "value": [member]},
        {"op": "replace", "path": "members", "value": [member]},
    ]
    assert [one["value"] for one in scim.patch(f"/Groups/{group['id']}", *changes).json["members"]] == [user["id"]]
    assert members(api) == {"ada@example.org": ["dev"]}
    replaced = {"schemas": [GROUP], "displayName": "Engineers", "members": []}
    assert scim("PUT", f"/Groups/{group['id']}", replaced).json["members"] == []
    assert members(api) == {"ada@example.org": []}

    full = scim("GET", f"/Users/{user['id']}").json
    assert scim("PUT", f"/Users/{user['id']}", {**full, "displayName": "Ada King"}).json["displayName"] == "Ada King"
    off = scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert off.json["active"] is False
    assert members(api) == {}
    on = scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})
    assert on.json["active"] is True
    assert list(members(api)) == ["ada@example.org"]
    assert scim("PUT", f"/Users/{user['id']}", {**full, "active": False}).json["active"] is False
    assert members(api) == {}


def test_a_user_who_comes_back_is_a_new_member(api, scim):
    user = scim.create("ada@example.org")
    first = api("GET", "/v1/members").json["items"][0]["member_id"]
    api("POST", "/v1/grants", {"subject": f"member:{first}", "role": "admin", "scope": "organization"})

    for active in (False, False, True, True):
        scim.patch(f"/Users/{user}", {"op": "replace", "value": {"active": active}})

    [back] = api("GET", "/v1/members").json["items"]
    assert back["member_id"] != first
    assert api("GET", "/v1/grants").json["items"] == []


def test_a_member_who_was_there_before_is_the_user(api, scim):
    added = api("POST", "/v1/members", {"name": "Ada", "email": "Ada@example.org"}).json["member_id"]

    scim.create("ada@example.org", displayName="Ada Lovelace")

    [member] = api("GET", "/v1/members").json["items"]
    assert (member["member_id"], member["name"]) == (added, "Ada Lovelace")
    # Another user with the same address is another person.
    scim.create("ada2", emails=[{"value": "ada@example.org"}])
    assert len(api("GET", "/v1/members").json["items"]) == 2


def test_a_member_removed_here_is_shown_as_inactive(api, scim):
    user = scim.create("ada@example.org")
    api("DELETE", f"/v1/members/{api('GET', '/v1/members').json['items'][0]['member_id']}")

    assert scim("GET", f"/Users/{user}").json["active"] is False
    scim.patch(f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "Ada"})
    assert members(api) == {}
    assert scim("DELETE", f"/Users/{user}").status == 204


def test_pages(scim):
    ids = [scim.create(f"user{number}") for number in range(5)]

    def page(**query: Any) -> tuple[int, int, list[str]]:
        answer = scim("GET", "/Users", query=query).json
        return answer["totalResults"], answer["itemsPerPage"], [one["id"] for one in answer["Resources"]]

    assert page(startIndex=2, count=2) == (5, 2, ids[1:3])
    assert page(startIndex=5, count=100) == (5, 1, ids[4:])
    assert page(startIndex=9) == (5, 0, [])
    assert page(startIndex=-3, count=-1) == (5, 0, [])
    assert page(count=0) == (5, 0, [])
    shown = scim("GET", "/Users", query={"attributes": "userName,name.givenName", "count": 1}).json["Resources"]
    assert shown == [{"schemas": [USER], "id": ids[0], "userName": "user0"}]


def test_the_service_describes_itself(scim):
    config = scim("GET", "/ServiceProviderConfig").json
    assert (config["patch"]["supported"], config["bulk"]["supported"]) == (True, False)
    types = scim("GET", "/ResourceTypes").json["Resources"]
    assert [(one["name"], one["endpoint"], one["schema"]) for one in types] == [
        ("User", "/Users", USER),
        ("Group", "/Groups", GROUP),
    ]
    assert scim("GET", "/ResourceTypes/User").json == types[0]
    schemas = scim("GET", "/Schemas").json["Resources"]
    assert [one["id"] for one in schemas] == [USER, GROUP]
    assert scim("GET", f"/Schemas/{USER}").json == schemas[0]
    assert scim("GET", "/Schemas/none").status == 404


NO_FILTERS = [
    'userName eq "x" or userName pr',
    'userName ne "x"',
    'userName eq "x" and',
    'userName eq "x"" or "1" eq "1"',
    "userName eq 'x'",
    "userName eq x",
    'userName eq "x" and password eq "y"',
    'member_id eq "x"',
    'pk eq "ORG#rival"',
    'userName eq "x\\"',
    'userName eq "\\u12"',
    'userName[value eq "x"',
    "*",
    '(userName eq "x")',
    "userName eq 1",
    "userName eq " + '"' + "x" * 990 + '" and id',
]


def test_filters_that_are_none(scim):
    scim.create("x")
    for text in NO_FILTERS:
        for kind in ("Users", "Groups"):
            answer = scim("GET", f"/{kind}", query=f"filter={quote(text)}")
            assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter"), text


def test_a_filters_value_is_only_compared(scim):
    scim.create("ada")
    for value in ('x\\" or userName eq \\"ada', "*", "ada*", "%", "ad_", "ORG#default", "\\u0000", "ada\\u0000"):
        assert scim.find(f'Users userName eq "{value}"') == []
        assert scim.find(f'Users externalId eq "{value}"') == []
        assert scim.find(f'Groups displayName eq "{value}"') == []
    assert scim.find("Users userName eq true") == []
    assert scim.find('Users active eq "true"') == []
    assert len(scim.find("Users active eq true")) == 1


NO_CHANGES: list[tuple[Any, str]] = [
    ([{"op": "move", "path": "active", "value": False}], "invalidSyntax"),
    ([{"op": "remove"}], "noTarget"),
    ([{"op": "replace", "value": "False"}], "invalidSyntax"),
    ([{"op": "replace", "path": "active", "value": "maybe"}], "invalidValue"),
    ([{"op": "replace", "path": "userName", "value": ""}], "invalidValue"),
    ([{"op": "replace", "path": "userName", "value": None}], "invalidValue"),
    ([{"op": "replace", "path": "userName", "value": {"a": 1}}], "invalidValue"),
    ([{"op": "replace", "path": "userName", "value": "a\u0000b"}], "invalidValue"),
    ([{"op": "replace", "path": "userName", "value": "x" * 300}], "invalidValue"),
    ([{"op": "replace", "path": 'emails[type eq "work" or 1]', "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": "a b", "value": "x"}], "invalidPath"),
    ([{"op": "replace", "path": 7, "value": "x"}], "invalidPath"),
    ([{"op": "add", "path": "emails", "value": [7]}], "invalidSyntax"),
    ([{"op": "add", "path": "userName.x", "value": "y"}], "invalidPath"),
    (["replace"], "invalidSyntax"),
    ([], "invalidSyntax"),
    ({}, "invalidSyntax"),
    ([{"op": "replace", "path": "active", "value": True}] * 1_001, "invalidSyntax"),
]


def test_changes_that_are_none(scim):
    user = scim.create("ada", active=True)
    for operations, kind in NO_CHANGES:
        answer = scim("PATCH", f"/Users/{user}", {"Operations": operations})
        assert (answer.status, answer.json["scimType"]) == (400, kind), operations
    assert scim("GET", f"/Users/{user}").json["userName"] == "ada"


def test_nothing_else_of_a_user_can_be_set(api, scim):
    """Mass assignment: ids, teams and roles in a document change nothing."""
    user = scim.create(
        "ada", id="01" + "0" * 24, member_id="x", identity="https://id|1", teams=["admins"], roles=["admin"], version=9
    )
    api("PUT", "/v1/teams/admins", {})
    for name in ("id", "member_id", "teams", "groups", "roles", "organization", "version"):
        scim.patch(f"/Users/{user}", {"op": "replace", "path": name, "value": "admins"})

    [member] = api("GET", "/v1/members").json["items"]
    assert (member["teams"], member["identity"]) == ([], None)
    assert scim("GET", f"/Users/{user}").json["id"] == user != "01" + "0" * 24


def test_other_organizations_and_narrow_tokens(api, scim, other_organization, other_project):
    user = scim.create("ada")
    group = scim("POST", "/Groups", {"displayName": "Engineers"}).json["id"]

    for path in (f"/scim/v2/Users/{user}", f"/scim/v2/Groups/{group}"):
        assert api("GET", path, token=other_organization).status == 404
        assert api("DELETE", path, token=other_organization).status == 404
    assert api("GET", "/scim/v2/Users", token=other_organization).json["totalResults"] == 0
    # A user's id of another organization in a group is no one.
    api("PUT", "/v1/teams/dev", {"group": "Stolen"}, token=other_organization)
    stolen = {"displayName": "Stolen", "members": [{"value": user}]}
    assert api("POST", "/scim/v2/Groups", stolen, token=other_organization).status == 201
    assert api("GET", "/v1/teams/dev", token=other_organization).json["members"] == []
    narrow = api.token_for(["scim:provision"], other_project)
    assert api("GET", "/scim/v2/Users", token=narrow).status == 403
    assert api("GET", "/v1/members", token=scim.token).status == 403
    assert api("GET", "/scim/v2/Users", token=None).json["status"] == "401"


def test_a_group_counts_only_where_it_comes_from(api, scim):
    """Group spoofing: a group of the same name from elsewhere, and other spellings of it, give nothing."""
    api("PUT", "/v1/teams/elsewhere", {"group": "Admins", "group_source": "identity-provider:corp"})
    api("PUT", "/v1/teams/ours", {"group": "Admins", "group_source": "scim"})
    api("PUT", "/v1/teams/any", {"group": "Admins"})
    user = scim.create("ada@example.org")
    for spelling in ("admins", "Admins ", "ADMINS", "Аdmins"):  # noqa: RUF001 - a Cyrillic letter
        scim("POST", "/Groups", {"displayName": spelling, "members": [{"value": user}]})
    assert members(api) == {"ada@example.org": []}

    scim("POST", "/Groups", {"displayName": "Admins", "members": [{"value": user}]})

    assert members(api) == {"ada@example.org": ["any", "ours"]}


def test_a_team_that_begins_to_follow_a_group_gets_its_members(api, scim):
    user = scim.create("ada@example.org")
    scim("POST", "/Groups", {"displayName": "Engineers", "externalId": "g-1", "members": [{"value": user}]})
    stranger = api("POST", "/v1/members", {"name": "Bob", "email": "bob@example.org"}).json["member_id"]
    api("PUT", "/v1/teams/mixed", {})
    api("PUT", f"/v1/teams/mixed/members/{stranger}")

    api("PUT", "/v1/teams/dev", {"group": "g-1"})
    api("PUT", "/v1/teams/mixed", {"group": "Engineers"})

    assert members(api) == {"ada@example.org": ["dev", "mixed"], "bob@example.org": ["mixed"]}
    api("PUT", "/v1/teams/mixed", {"group": "Engineers", "group_source": "scim"})
    assert members(api)["bob@example.org"] == []


def test_an_interrupted_request_is_completed_by_its_repetition(api, scim, monkeypatch):
    api("PUT", "/v1/teams/dev", {"group": "Engineers"})
    user = scim.create("ada@example.org")
    group = scim("POST", "/Groups", {"displayName": "Engineers"}).json["id"]
    add = {"op": "add", "path": "members", "value": [{"value": user}]}
    off = {"op": "replace", "path": "active", "value": False}
    store = type(api.services.people.store)

    for name, path, operation, after in (
        ("set_membership", f"/Groups/{group}", add, {"ada@example.org": ["dev"]}),
        ("delete_member", f"/Users/{user}", off, {}),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(store, name, crash)
            with pytest.raises(RuntimeError, match="crash"):
                scim.patch(path, operation)
        assert scim.patch(path, operation).status == 200
        assert members(api) == after


def crash(*_: Any, **__: Any) -> None:
    raise RuntimeError("crash")


@pytest.mark.parametrize("ended", ["deactivated", "deleted"])
def test_a_leaver_stays_out_though_another_request_comes_late(api, scim, monkeypatch, ended):
    user = scim.create("ada@example.org")
    people = type(api.services.people.store)
    find = people.get_member
    asked: list[str] = []

    def overtaken(self: Any, organization: str, member_id: str) -> Any:
        asked.append(member_id)
        if len(asked) == 2:  # the request has stored its change, and comes to the member
            monkeypatch.setattr(people, "get_member", find)
            if ended == "deleted":
                assert scim("DELETE", f"/Users/{user}").status == 204
            else:
                off = {"op": "replace", "path": "active", "value": False}
                assert scim.patch(f"/Users/{user}", off).status == 200
        return find(self, organization, member_id)

    monkeypatch.setattr(people, "get_member", overtaken)
    scim.patch(f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "Ada"})
    assert len(asked) == 2
    assert members(api) == {}


def test_a_user_who_leaves_a_group_leaves_its_team_though_another_request_comes_late(api, scim, monkeypatch):
    api("PUT", "/v1/teams/dev", {"group": "Engineers"})
    ada, bo = scim.create("ada@example.org"), scim.create("bo@example.org")
    group = scim("POST", "/Groups", {"displayName": "Engineers"}).json["id"]
    people = type(api.services.people.store)
    belong = people.set_membership

    def overtaken(self: Any, *arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(people, "set_membership", belong)
        scim.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{ada}"]'})
        belong(self, *arguments, **options)

    monkeypatch.setattr(people, "set_membership", overtaken)
    scim.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ada}, {"value": bo}]})
    assert members(api) == {"ada@example.org": [], "bo@example.org": ["dev"]}
