"""Secrets of the organization, of teams and of pools over HTTP: who may set them, and which projects see them."""

import pytest

from tests.integration.api.calling import Api
from tests.integration.api.people.test_people import member

VALUE = {"value": "v4lue-that-no-answer-has"}
DOCUMENT = "cadence: 1\nname: p\ntreatments:\n  a: {run: x, secrets: {T: %s}}\n"


def seen(api: Api, project: str, token: str | None = "") -> list[tuple[str, str]]:
    items = api("GET", f"/v1/projects/{project}/secrets", token=token).json["items"]
    return [(one["name"], one["owner"]) for one in items]


def findings(api: Api, project: str, secret: str) -> list[str]:
    checked = api("POST", f"/v1/projects/{project}/pipelines:validate", {"document": DOCUMENT % secret})
    return [finding["code"] for finding in checked.json["findings"]]


def test_a_project_sees_the_names_that_reach_it_and_no_others(api, other_project):
    for path, more in (
        ("/v1/secrets/everywhere", {}),
        ("/v1/secrets/some", {"projects": ["other"]}),
        ("/v1/teams/dev/secrets/of-team", {"projects": ["default"]}),
        ("/v1/pools/gpu/secrets/of-pool", {}),
        ("/v1/pools/theirs/secrets/of-their-pool", {}),
    ):
        if path.startswith("/v1/teams"):
            api("PUT", "/v1/teams/dev", {})
        elif path.startswith("/v1/pools"):
            served = ["other"] if "theirs" in path else ["*"]
            api("PUT", path.partition("/secrets")[0], {"provider": "host", "projects": served})
        answer = api("PUT", path, {**VALUE, **more})
        assert answer.status == 200, answer.text
        assert VALUE["value"] not in answer.text
    api("PUT", "/v1/projects/default/secrets/own", VALUE)

    assert sorted(seen(api, "default")) == [
        ("everywhere", "organization"),
        ("of-pool", "pool:gpu"),
        ("of-team", "team:dev"),
        ("own", "project"),
    ]
    assert ("some", "organization") in seen(api, "other")
    assert "projects" not in api("GET", "/v1/projects/default/secrets").text
    listed = api("GET", "/v1/secrets")
    assert [(one["name"], one["projects"]) for one in listed.json["items"]] == [
        ("everywhere", ["*"]),
        ("of-pool", []),
        ("of-team", ["default"]),
        ("of-their-pool", []),
        ("some", ["other"]),
    ]
    assert VALUE["value"] not in listed.text
    assert findings(api, "default", "everywhere") == findings(api, "default", "of-team") == []
    assert findings(api, "default", "some") == findings(api, "default", "nothing") == ["unknown-secret"]
    assert findings(api, "other", "some") == []


def test_what_a_secret_is_given_to_stays_until_it_is_changed(api, other_project):
    api("PUT", "/v1/secrets/s", {**VALUE, "projects": ["other"]})
    assert api("PUT", "/v1/secrets/s", VALUE).json["projects"] == ["other"]
    taken = api("PUT", "/v1/secrets/s", {**VALUE, "projects": ["default", "default"]})
    assert (taken.json["projects"], taken.json["version"]) == (["default"], 3)
    assert seen(api, "other") == []
    assert api("PUT", "/v1/secrets/s", {**VALUE, "projects": ["missing"]}).status == 404
    assert api("PUT", "/v1/secrets/s", {**VALUE, "projects": []}).status == 422
    assert api("PUT", "/v1/secrets/s%2Ft", VALUE).status in (404, 422)


def test_who_may_set_a_secret_of_the_organization(api, other_project):
    _, maintainer = member(api, "Ada", ("maintainer", "project:default"))
    refused = api("PUT", "/v1/secrets/s", VALUE, token=maintainer)
    assert refused.status == 403
    assert api("GET", "/v1/secrets", token=maintainer).json["items"] == []
    api("PUT", "/v1/secrets/s", VALUE)
    assert api("DELETE", "/v1/secrets/s", token=maintainer).status == 403
    assert seen(api, "default", maintainer) == [("s", "organization")]
    # Not by the way of a project's routes either.
    assert api("DELETE", "/v1/projects/default/secrets/organization%2Fs", token=maintainer).status == 404
    assert api("DELETE", "/v1/projects/default/secrets/s", token=maintainer).status == 404
    _, admin = member(api, "Bo", ("admin", "organization"))
    assert api("DELETE", "/v1/secrets/s", token=admin).status == 204
    assert seen(api, "default") == []


def test_a_member_of_a_team_gives_its_secrets_to_projects_that_the_member_maintains(api, other_project):
    _, insider = member(api, "Ada", ("maintainer", "project:default"), teams=["dev"])
    _, outsider = member(api, "Bo", ("maintainer", "project:default"))
    path = "/v1/teams/dev/secrets/npm"

    assert api("PUT", path, VALUE, token=insider).status == 422  # which projects?
    assert api("PUT", path, {**VALUE, "projects": ["default"]}, token=insider).status == 200
    assert [one["owner"] for one in api("GET", "/v1/secrets", token=insider).json["items"]] == ["team:dev"]
    assert api("GET", "/v1/secrets", token=outsider).json["items"] == []
    foreign = api("PUT", path, {**VALUE, "projects": ["default"]}, token=outsider)
    missing = api("PUT", "/v1/teams/none/secrets/npm", {**VALUE, "projects": ["default"]}, token=outsider)
    assert (foreign.status, foreign.text.replace("dev", "none")) == (404, missing.text)
    assert api("DELETE", path, token=outsider).status == 404

    hidden = api("PUT", path, {**VALUE, "projects": ["other"]}, token=insider)
    absent = api("PUT", path, {**VALUE, "projects": ["nowhere"]}, token=insider)
    assert (hidden.status, hidden.text.replace("other", "nowhere")) == (404, absent.text)
    assert api("PUT", path, {**VALUE, "projects": ["*"]}, token=insider).status == 403
    # Somebody else has given it to a project where the member may not decide: it can be neither replaced nor deleted.
    assert api("PUT", path, {**VALUE, "projects": ["default", "other"]}).status == 200
    assert api("PUT", path, VALUE, token=insider).status == 404
    assert api("DELETE", path, token=insider).status == 404


def test_of_two_teams_one_gives_a_project_a_secret_of_a_name(api, other_project):
    for team in ("dev", "ops"):
        api("PUT", f"/v1/teams/{team}", {})
    assert api("PUT", "/v1/teams/dev/secrets/npm", {**VALUE, "projects": ["default"]}).status == 200
    refused = api("PUT", "/v1/teams/ops/secrets/npm", {**VALUE, "projects": ["default", "other"]})
    assert (refused.status, "project default" in refused.text) == (409, True)
    assert api("PUT", "/v1/teams/ops/secrets/npm", {**VALUE, "projects": ["*"]}).status == 409
    assert api("PUT", "/v1/teams/ops/secrets/npm", {**VALUE, "projects": ["other"]}).status == 200
    assert api("PUT", "/v1/secrets/npm", VALUE).status == 200


def test_secrets_of_a_pool_are_its_maintainers(api):
    for pool in ("gpu", "small"):
        api("PUT", f"/v1/pools/{pool}", {"provider": "host"})
    _, keeper = member(api, "Ada", ("maintainer", "pool:gpu"))
    assert api("PUT", "/v1/pools/gpu/secrets/license", VALUE, token=keeper).status == 200
    assert api("PUT", "/v1/pools/gpu/secrets/license", {**VALUE, "projects": ["*"]}, token=keeper).status == 422
    foreign = api("PUT", "/v1/pools/small/secrets/license", VALUE, token=keeper)
    missing = api("PUT", "/v1/pools/none/secrets/license", VALUE, token=keeper)
    assert (foreign.status, foreign.text.replace("small", "none")) == (404, missing.text)
    assert findings(api, "default", "license") == ["secret-of-pool"]


@pytest.mark.parametrize("owner", ["teams/dev", "pools/gpu"])
def test_who_comes_later_under_the_name_of_a_deleted_owner_finds_no_secret(api, owner):
    body = {"provider": "host"} if owner.startswith("pools") else {}
    api("PUT", f"/v1/{owner}", body)
    given = {} if owner.startswith("pools") else {"projects": ["default"]}
    assert api("PUT", f"/v1/{owner}/secrets/s", {**VALUE, **given}).status == 200
    api("PUT", "/v1/secrets/s", VALUE)
    assert api("DELETE", f"/v1/{owner}").status == 204
    assert api("PUT", f"/v1/{owner}", body).status == 201
    assert [one["owner"] for one in api("GET", "/v1/secrets").json["items"]] == ["organization"]
    # No later value has the number of an earlier one.
    assert api("PUT", f"/v1/{owner}/secrets/s", {**VALUE, **given}).json["version"] == 2


def test_secrets_that_a_failed_removal_of_their_pool_left_go_when_it_is_repeated(api):
    api("PUT", "/v1/pools/gpu", {"provider": "host"})
    api("PUT", "/v1/pools/gpu/secrets/s", VALUE)
    api("PUT", "/v1/secrets/s", VALUE)
    api.services.access.remove_pool("default", "gpu")  # and then it failed
    assert api("DELETE", "/v1/pools/gpu").status == 404
    assert [one["owner"] for one in api("GET", "/v1/secrets").json["items"]] == ["organization"]


def test_sources_are_below_the_owners_own_prefix(api):
    api("PUT", "/v1/teams/dev", {})
    source = {"kind": "aws-secrets-manager", "name": "cadence/default/_team/dev/db"}
    answer = api("PUT", "/v1/secrets/db", {"source": source})
    assert answer.status == 422
    assert "reads nothing from aws-secrets-manager" in answer.text or "_organization/" in answer.text


def test_changes_are_in_the_audit_log_without_values(api):
    api("PUT", "/v1/secrets/s", VALUE)
    api("DELETE", "/v1/secrets/s")
    log = api("GET", "/v1/audit")
    actions = [(one["action"], one["target"]) for one in log.json["items"]]
    assert ("put_organization_secret", "/v1/secrets/s") in actions
    assert ("delete_organization_secret", "/v1/secrets/s") in actions
    assert VALUE["value"] not in log.text


def test_a_guest_uses_what_is_given_to_the_shared_project_and_learns_no_names_of_teams(api, other_organization):
    rival, there = other_organization, {"cadence-organization": "default"}
    api("PUT", "/v1/teams/dev", {}, token=rival)
    code = api("POST", "/v1/invitations", {"email": "ro@rival.example", "teams": ["dev"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json["token"]
    shared = {"team": "rival/dev", "role": "maintainer", "scope": "project:default"}
    code = api("POST", "/v1/invitations", shared).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival).status < 300
    api("PUT", "/v1/teams/dev", {})  # of the same name, and another one
    assert api("PUT", "/v1/teams/dev/secrets/npm", {**VALUE, "projects": ["default"]}).status == 200

    listed = api("GET", "/v1/projects/default/secrets", token=guest, headers=there).json["items"]
    assert [(one["name"], one["owner"]) for one in listed] == [("npm", "team")]
    assert api("GET", "/v1/secrets", token=guest, headers=there).json["items"] == []
    body = {**VALUE, "projects": ["default"]}
    assert api("PUT", "/v1/teams/dev/secrets/npm", body, token=guest, headers=there).status == 404
    assert api("DELETE", "/v1/teams/dev/secrets/npm", token=guest, headers=there).status == 404
