"""Pools that are given to projects and teams over HTTP and by commands: who may give them, and what they see then."""

import json
from typing import Any

import pytest

from cadence.domain.shared.errors import Transient
from tests.integration.api.calling import Api
from tests.integration.api.people.test_people import grant, member
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]  # fixtures

HOST = {"provider": "host"}
DOCUMENT = "cadence: 1\nname: p\ntreatments:\n  a: {run: x, pools: [gpu], secrets: {T: npm}}\n"


def pools(api: Api, token: str) -> list[str]:
    return [one["name"] for one in api("GET", "/v1/pools", token=token).json["items"]]


def checked(api: Api, token: str | None = "", project: str = "default", **how: Any) -> dict[str, Any]:
    path = f"/v1/projects/{project}/pipelines:validate"
    answer = api("POST", path, {"document": DOCUMENT}, token=token, **how)
    assert answer.status == 200, answer.text
    return dict(answer.json)


def messages(found: dict[str, Any]) -> list[str]:
    return [one["message"] for one in found["findings"]]


def test_a_member_of_a_team_creates_a_pool_for_the_team_and_projects_that_the_member_maintains(api, other_project):
    _, ada = member(api, "Ada", ("maintainer", "project:default"), teams=["ml"])
    _, bo = member(api, "Bo", ("viewer", "project:default"), teams=["ml"])
    _, eve = member(api, "Eve", ("maintainer", "project:default"))
    body = {**HOST, "projects": ["default"], "team": "ml"}

    assert api("PUT", "/v1/pools/gpu", {**HOST, "projects": ["default"]}, token=ada).status == 403
    assert api("PUT", "/v1/pools/gpu", {**HOST, "team": "ml"}, token=ada).status == 403  # to all projects
    assert api("PUT", "/v1/pools/gpu", {**body, "projects": ["default", "other"]}, token=ada).status == 403
    assert api("PUT", "/v1/pools/gpu", body, token=bo).status == 403
    foreign = api("PUT", "/v1/pools/gpu", body, token=eve)
    missing = api("PUT", "/v1/pools/gpu", {**body, "team": "none"}, token=eve)
    assert (foreign.status, foreign.text.replace("ml", "none")) == (404, missing.text)
    assert pools(api, ada) == ["local"]  # it serves all projects

    assert api("PUT", "/v1/pools/gpu", body, token=ada).status == 201
    assert api("GET", "/v1/pools/gpu").json["teams"] == [{"team": "ml", "role": "maintainer"}]
    # Every member of the team maintains it, and nobody else of the project does.
    assert api("PUT", "/v1/pools/gpu", {**HOST, "boot_deadline": 60}, token=bo).status == 200
    assert api("PUT", "/v1/pools/gpu/secrets/npm", {"value": "v"}, token=bo).status == 200
    assert api("PUT", "/v1/pools/gpu", HOST, token=eve).status == 403
    assert api("PUT", "/v1/pools/gpu", body, token=eve).status == 404
    explained = api(
        "GET",
        "/v1/grants/explanation",
        query={"subject": "bo@example.org", "permission": "pools:write", "thing": "pool:gpu"},
    ).json
    assert explained["reason"] == "The role maintainer, granted to team:ml at pool:gpu, allows it."


def test_a_pool_is_given_to_a_project_only_with_the_permission_there(api, other_project):
    api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default"]})
    _, keeper = member(api, "Ada", ("maintainer", "pool:metal"))
    _, both = member(api, "Bo", ("maintainer", "pool:metal"), ("maintainer", "project:other"))

    hidden = api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default", "other"]}, token=keeper)
    absent = api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default", "nowhere"]}, token=keeper)
    assert (hidden.status, hidden.text.replace("other", "nowhere")) == (404, absent.text)
    everyone = api("PUT", "/v1/pools/metal", {**HOST, "projects": ["*"]}, token=keeper)
    assert (everyone.status, "to all projects needs pools:write at the organization" in everyone.text) == (403, True)
    assert api("GET", "/v1/pools/metal").json["pool"]["projects"] == ["default"]
    given = api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default", "other"]}, token=both)
    assert (given.status, given.json["projects"]) == (200, ["default", "other"])
    # What it is given to already stays with who may not decide there, and can be taken back.
    assert api("PUT", "/v1/pools/metal", {**HOST, "projects": ["other", "default"]}, token=keeper).status == 200
    assert api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default"]}, token=keeper).json["projects"] == [
        "default"
    ]
    assert api("PUT", "/v1/pools/metal", {**HOST, "projects": ["other"]}, token=keeper).status == 404
    # From all to some is less.
    api("PUT", "/v1/pools/metal", {**HOST, "projects": ["*"]})
    assert api("PUT", "/v1/pools/metal", {**HOST, "projects": ["other"]}, token=keeper).status == 200


def test_a_pool_is_given_to_no_project_that_does_not_exist(api, other_project):
    body = {**HOST, "projects": ["default", "nowhere", "other", "absent"]}
    refused = api("PUT", "/v1/pools/metal", body)
    assert (refused.status, refused.json["detail"]) == (404, "There is no project 'absent' and no 'nowhere' here.")
    assert api("GET", "/v1/pools/metal").status == 404
    # Nor is one that serves all limited to it.
    assert api("PUT", "/v1/pools/metal", HOST).status == 201
    assert api("PUT", "/v1/pools/metal", {**HOST, "projects": ["absent"]}).status == 404


def test_who_may_change_a_pool_makes_no_team_its_maintainer(api):
    api("PUT", "/v1/pools/metal", {**HOST, "projects": ["default"]})
    assert api("PUT", "/v1/roles/tuner", {"permissions": ["pools:read", "pools:write"]}).status < 300
    _, ada = member(api, "Ada", ("maintainer", "project:default"), ("tuner", "pool:metal"), teams=["ml"])
    body = {**HOST, "projects": ["default"]}

    refused = api("PUT", "/v1/pools/metal", {**body, "team": "ml"}, token=ada)
    assert (refused.status, "takes the role maintainer at the pool" in refused.text) == (403, True)
    assert api("GET", "/v1/pools/metal").json["teams"] == []
    assert api("PUT", "/v1/pools/metal/secrets/npm", {"value": "v"}, token=ada).status == 403
    assert api("PUT", "/v1/pools/metal", body, token=ada).status == 200


def test_a_token_that_is_limited_to_a_project_creates_no_pool_for_a_team(api):
    _, ada = member(api, "Ada", ("maintainer", "project:default"), teams=["ml"])
    limited = api("POST", "/v1/tokens", {"name": "t", "project": "default", "permissions": ["*"]}, token=ada)
    assert limited.status == 201, limited.text
    body = {**HOST, "projects": ["default"], "team": "ml"}
    refused = api("PUT", "/v1/pools/gpu", body, token=limited.json["token"])
    assert (refused.status, "limited to a project" in refused.text) == (403, True)


def test_a_deleted_team_leaves_its_pool_to_the_organization(api):
    _, ada = member(api, "Ada", ("maintainer", "project:default"), teams=["ml"])
    assert api("PUT", "/v1/pools/gpu", {**HOST, "projects": ["default"], "team": "ml"}, token=ada).status == 201
    assert api("DELETE", "/v1/teams/ml").status == 204
    found = api("GET", "/v1/pools/gpu").json
    assert (found["teams"], found["pool"]["projects"]) == ([], ["default"])
    assert api("PUT", "/v1/pools/gpu", HOST, token=ada).status == 403
    # A later team of the same name has nothing of it.
    _, bo = member(api, "Bo", teams=["ml"])
    assert api("PUT", "/v1/pools/gpu", HOST, token=bo).status == 403


def test_a_later_pool_of_the_same_name_is_none_of_those_who_had_the_first(api, other_organization):
    api("PUT", "/v1/teams/ml", {})
    api("PUT", "/v1/pools/gpu", {**HOST, "team": "ml"})
    _, ada = member(api, "Ada", ("viewer", "pool:gpu"))
    api("PUT", "/v1/teams/dev", {}, token=other_organization)
    invited = {"team": "rival/dev", "role": "viewer", "scope": "pool:gpu"}
    code = api("POST", "/v1/invitations", invited).json["code"]
    assert pools(api, ada) == ["gpu"]

    assert api("DELETE", "/v1/pools/gpu").status == 204
    assert api("GET", "/v1/grants").json["items"] == []
    assert api("PUT", "/v1/pools/gpu", HOST).status == 201
    assert api("GET", "/v1/pools", token=ada).status == 403
    late = api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=other_organization)
    assert late.status == 404

    grant(api, "team:ml", "maintainer", "pool:gpu")
    api.services.access.remove_pool("default", "gpu")  # and then it failed
    assert api("DELETE", "/v1/pools/gpu").status == 404
    assert api("GET", "/v1/grants").json["items"] == []


def test_a_pool_names_no_projects_and_teams_to_those_who_may_not_know_of_them(api, other_project, other_organization):
    rival, there = other_organization, {"cadence-organization": "default"}
    api("PUT", "/v1/teams/ml", {})
    api("PUT", "/v1/pools/gpu", {**HOST, "projects": ["default", "other"], "team": "ml"})
    _, ada = member(api, "Ada", ("viewer", "project:default"))
    seen = api("GET", "/v1/pools/gpu", token=ada).json
    assert (seen["pool"]["projects"], seen["teams"]) == (["default"], [{"team": "ml", "role": "maintainer"}])
    assert [one["projects"] for one in api("GET", "/v1/pools", token=ada).json["items"]] == [["default"], ["*"]]

    api("PUT", "/v1/teams/dev", {}, token=rival)
    code = api("POST", "/v1/invitations", {"email": "ro@rival.example", "teams": ["dev"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json["token"]
    shared = {"team": "rival/dev", "role": "maintainer", "scope": "project:default"}
    code = api("POST", "/v1/invitations", shared).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival).status < 300
    seen = api("GET", "/v1/pools/gpu", token=guest, headers=there).json
    assert (seen["pool"]["projects"], seen["teams"]) == (["default"], [])
    own = {**HOST, "projects": ["default"], "team": "ml"}
    assert api("PUT", "/v1/pools/theirs", own, token=guest, headers=there).status == 404


def test_a_check_names_owners_of_secrets_and_pools_of_others_only_to_whom_may_know_of_them(
    api, other_project, other_organization
):
    rival, there = other_organization, {"cadence-organization": "default"}
    api("PUT", "/v1/teams/dev", {})
    api("PUT", "/v1/pools/gpu", {**HOST, "projects": ["other"]})
    api("PUT", "/v1/teams/dev/secrets/npm", {"value": "v4lue", "projects": ["default"]})
    _, developer = member(api, "Ada", ("developer", "project:default"))
    _, viewer = member(api, "Bo", ("viewer", "project:default"))
    _, keeper = member(api, "Cy", ("developer", "project:default"), ("viewer", "pool:gpu"))

    # The pool is as if there were none, unless the caller may see it.
    assert messages(checked(api, developer)) == ["The project has no pool “gpu”."]
    assert messages(checked(api, keeper)) == ["The pool “gpu” is not given to the project."]
    assert [(one["name"], one["state"], one["owner"]) for one in checked(api, developer)["secrets"]] == [
        ("npm", "found", "team:dev")
    ]
    assert checked(api, viewer)["secrets"] == []
    assert [(one["state"], one["owner"], one["reason"]) for one in checked(api, project="other")["secrets"]] == [
        ("missing", None, "The project has no secret “npm”.")
    ]
    assert "v4lue" not in json.dumps(checked(api, developer))

    api("PUT", "/v1/teams/dev", {}, token=rival)
    code = api("POST", "/v1/invitations", {"email": "ro@rival.example", "teams": ["dev"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json["token"]
    shared = {"team": "rival/dev", "role": "developer", "scope": "project:default"}
    code = api("POST", "/v1/invitations", shared).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival).status < 300
    seen = checked(api, guest, headers=there)
    assert messages(seen) == ["The project has no pool “gpu”."]
    assert [one["owner"] for one in seen["secrets"]] == ["team"]


def test_pools_are_given_by_commands(api, other_project, cadence, tmp_path):
    api("PUT", "/v1/teams/ml", {})
    definition = tmp_path / "pool.yaml"
    definition.write_text("provider: host\n")
    made = cadence("pool", "create", "gpu", str(definition), "--give-to", "default", "--team", "ml")
    assert made.exit_code == 0, made.stderr
    given = cadence("pool", "give", "gpu", "--to", "other")
    assert given.stdout == "Pool gpu is given to projects default, other.\n"
    shown = cadence("pool", "show", "gpu").stdout
    assert "given to: projects default, other\nteam ml: maintainer\n" in shown
    assert cadence("pool", "give", "gpu", "--take-from", "other", "--team", "ml").stdout == (
        "Pool gpu is given to project default. The team ml maintains it.\n"
    )
    assert cadence("pool", "give", "gpu", "--to", "*").stdout == "Pool gpu is given to all projects.\n"
    narrowed = cadence("pool", "give", "gpu", "--take-from", "*", "--take-from", "default")
    assert (narrowed.exit_code, "to no project" in narrowed.stderr) == (2, True)
    assert cadence("pool", "give", "gpu").exit_code == 2
    assert api("GET", "/v1/pools/gpu").json["pool"]["projects"] == ["*", "default"]


def test_a_check_on_the_command_line_tells_whose_secrets_are_used(api, cadence, tmp_path):
    api("PUT", "/v1/secrets/npm", {"value": "v4lue"})
    document = tmp_path / "p.yaml"
    document.write_text(DOCUMENT.replace(", pools: [gpu]", "").replace("T: npm", "T: npm, U: none"))
    result = cadence("validate", str(document))
    assert result.exit_code == 1
    assert [line.split() for line in result.stdout.splitlines()[:-1]] == [
        ["SECRET", "USED", "BY", "FROM"],
        ["npm", "a", "organization"],
        ["none", "a", "missing:", "The", "project", "has", "no", "secret", "“none”."],
    ]


def test_a_pool_is_given_to_projects_that_exist_and_taken_from_those_that_have_it(api, cadence, tmp_path):
    definition = tmp_path / "pool.yaml"
    definition.write_text("provider: host\n")
    missing = "error: There is no project 'wbe' that you may see: `cadence project list` shows them.\n"
    made = cadence("pool", "create", "gpu", str(definition), "--give-to", "wbe")
    assert (made.exit_code, made.stderr) == (1, missing)
    assert api("GET", "/v1/pools/gpu").status == 404

    cadence("pool", "create", "gpu", str(definition), "--give-to", "*")
    given = cadence("pool", "give", "gpu", "--to", "wbe")
    assert (given.exit_code, given.stderr) == (1, missing)
    kept = cadence("pool", "give", "gpu", "--take-from", "default")
    assert kept.exit_code == 1
    assert kept.stderr == (
        "error: Pool gpu is not given to 'default', but to all projects: take it from these (--take-from '*'), and "
        "name the projects that keep it (--to).\n"
    )
    assert api("GET", "/v1/pools/gpu").json["pool"]["projects"] == ["*"]
    cadence("pool", "give", "gpu", "--to", "default", "--take-from", "*")
    other = cadence("pool", "give", "gpu", "--take-from", "web")
    assert other.stderr == "error: Pool gpu is not given to 'web', but to project default: name one of these.\n"


def test_of_two_who_create_one_pool_at_the_same_moment_one_has_it(api, monkeypatch):
    _, ada = member(api, "Ada", ("maintainer", "project:default"), teams=["ml"])
    _, bo = member(api, "Bo", ("maintainer", "project:default"), teams=["web"])
    body = {**HOST, "projects": ["default"]}
    store, create = api.services.access, type(api.services.access).create_pool

    def overtaken(self: Any, pool: Any, policy: Any = None) -> bool:
        monkeypatch.setattr(type(store), "create_pool", create)
        assert api("PUT", "/v1/pools/gpu", {**body, "team": "ml"}, token=ada).status == 201
        return bool(create(self, pool, policy))

    monkeypatch.setattr(type(store), "create_pool", overtaken)
    late = api("PUT", "/v1/pools/gpu", {**body, "team": "web", "boot_deadline": 60}, token=bo)
    assert (late.status, "created by another request" in late.text) == (409, True)
    found = api("GET", "/v1/pools/gpu").json
    assert (found["teams"], found["pool"]["boot_deadline"]) == ([{"team": "ml", "role": "maintainer"}], 120)
    assert api("PUT", "/v1/pools/gpu", body, token=bo).status == 403


def test_a_pool_and_its_teams_grant_come_in_one_step(api, monkeypatch):
    _, ada = member(api, "Ada", ("maintainer", "project:default"), teams=["ml"])
    body = {**HOST, "projects": ["default"], "team": "ml"}

    def down(*_: Any) -> None:
        raise Transient("down")

    with monkeypatch.context() as patch:
        patch.setattr(type(api.services.pools.slots), "limit_pool", down)
        with pytest.raises(Transient):
            api("PUT", "/v1/pools/gpu", body, token=ada)
    # What a crash left is the team's, whose members complete it.
    assert api("GET", "/v1/pools/gpu").json["teams"] == [{"team": "ml", "role": "maintainer"}]
    assert api("PUT", "/v1/pools/gpu", body, token=ada).status == 200


def test_a_pool_that_is_removed_while_it_is_changed_stays_removed(api, monkeypatch):
    api("PUT", "/v1/teams/ml", {})
    body = {**HOST, "team": "ml"}
    assert api("PUT", "/v1/pools/gpu", body).status == 201
    store, find = type(api.services.access), type(api.services.access).get_pool

    def overtaken(self: Any, organization: str, name: str) -> Any:
        found = find(self, organization, name)
        monkeypatch.setattr(store, "get_pool", find)
        assert api("DELETE", "/v1/pools/gpu").status == 204
        return found

    monkeypatch.setattr(store, "get_pool", overtaken)
    late = api("PUT", "/v1/pools/gpu", {**body, "boot_deadline": 60})
    assert (late.status, "removed by another request" in late.text) == (409, True)
    assert api("GET", "/v1/pools/gpu").status == 404
    assert api("GET", "/v1/grants").json["items"] == []
    assert api("PUT", "/v1/pools/gpu", body).status == 201


@pytest.mark.parametrize("more", [{}, {"team": "web"}])
def test_grants_that_a_failed_removal_left_are_none_at_a_later_pool(api, more):
    api("PUT", "/v1/teams/web", {})
    api("PUT", "/v1/pools/gpu", HOST)
    _, ada = member(api, "Ada", ("maintainer", "pool:gpu"))
    api.services.access.remove_pool("default", "gpu")  # and then it failed

    assert api("PUT", "/v1/pools/gpu", {**HOST, **more}).status == 201
    assert api("PUT", "/v1/pools/gpu", HOST, token=ada).status == 403


def test_projects_are_read_only_if_a_pool_is_given_to_new_ones(api, other_project, monkeypatch):
    read: list[str] = []
    store, every = type(api.services.access), type(api.services.access).list_projects

    def listed(self: Any, organization: str) -> Any:
        read.append(organization)
        return every(self, organization)

    monkeypatch.setattr(store, "list_projects", listed)
    body = {**HOST, "projects": ["default"]}
    assert api("PUT", "/v1/pools/gpu", body).status == 201
    assert api("PUT", "/v1/pools/gpu", {**body, "boot_deadline": 60}).status == 200
    assert read == ["default"]
    assert api("PUT", "/v1/pools/gpu", {**body, "projects": ["default", "other"]}).status == 200
    assert read == ["default", "default"]
