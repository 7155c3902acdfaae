"""Members, teams, roles, grants, invitations and service accounts over HTTP."""

from typing import Any

import pytest

from tests.integration.api.calling import HELLO, Answer, Api


def member(api: Api, name: str = "Ada", *grants: tuple[str, str], teams: list[str] | None = None) -> tuple[str, str]:
    """Invites a person, who accepts; returns the member's id and token."""
    for team in teams or []:
        api("PUT", f"/v1/teams/{team}", {})
    code = api("POST", "/v1/invitations", {"email": f"{name.lower()}@example.org", "teams": teams or []}).json["code"]
    accepted = api("POST", "/v1/accept-invitation", {"code": code, "name": name}, token=None)
    assert accepted.status == 201, accepted.text
    member_id = accepted.json["member"]["member_id"]
    for role, scope in grants:
        granted = grant(api, f"member:{member_id}", role, scope)
        assert granted.status == 201, granted.text
    return member_id, accepted.json["token"]


def grant(api: Api, subject: str, role: str, scope: str, **how: Any) -> Answer:
    return api("POST", "/v1/grants", {"subject": subject, "role": role, "scope": scope}, **how)


def explain(api: Api, subject: str, permission: str, thing: str) -> dict[str, Any]:
    query = {"subject": subject, "permission": permission, "thing": thing}
    return dict(api("GET", "/v1/grants/explanation", query=query).json)


def test_a_member_without_grants_can_do_nothing_but_know_itself(api):
    member_id, token = member(api)

    itself = api("GET", "/v1/self", token=token)
    assert itself.json["subject"] == f"member:{member_id}"
    assert itself.json["grants"] == []
    assert api("GET", "/v1/runs", token=token).status == 403
    assert api("GET", "/v1/projects", token=token).status == 403


def test_a_role_on_a_project_holds_there_and_nowhere_else(api, other_project):
    api("PUT", "/v1/projects/other/secrets/s", {"value": "v"})
    _, token = member(api, "Ada", ("developer", "project:default"))

    assert [one["name"] for one in api("GET", "/v1/projects", token=token).json["items"]] == ["default"]
    started = api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token)
    assert started.status == 201, started.text
    theirs = api("POST", "/v1/projects/other/runs", {"document": HELLO}).json["run_id"]
    assert [one["run_id"] for one in api("GET", "/v1/runs", token=token).json["items"]] == [started.json["run_id"]]

    foreign = api("GET", f"/v1/runs/{theirs}", token=token)
    missing = api("GET", "/v1/runs/01unknown", token=token)
    assert (foreign.status, foreign.text.replace(theirs, "01unknown")) == (404, missing.text)
    assert api("GET", "/v1/projects/other/secrets", token=token).text == api(
        "GET", "/v1/projects/none/secrets", token=token
    ).text.replace("none", "other")
    # What is missing in a project that the member knows is named.
    refused = api("POST", f"/v1/runs/{started.json['run_id']}/treatments/greet/approval", {"decision": "approve"})
    assert refused.status == 409
    lacking = api("PUT", "/v1/projects/default/secrets/s", {"value": "v"}, token=token)
    assert (lacking.status, lacking.json["details"]) == (403, {"permission": "secrets:write"})


def test_a_role_on_one_pipeline_shows_only_that_one(api):
    for name in ("hello", "other"):
        stored = api(
            "PUT", f"/v1/projects/default/pipelines/{name}", {"document": HELLO.replace("name: hello", f"name: {name}")}
        )
        assert stored.status == 201, stored.text
    _, token = member(api, "Ada", ("developer", "pipeline:default/hello"))

    listed = api("GET", "/v1/projects/default/pipelines", token=token)
    assert [one["name"] for one in listed.json["items"]] == ["hello"]
    assert api("GET", "/v1/projects/default/pipelines/other", token=token).status == 404
    assert api("POST", "/v1/projects/default/pipelines/hello/runs", {}, token=token).status == 201
    assert api("POST", "/v1/projects/default/pipelines/other/runs", {}, token=token).status == 404
    hidden = api("POST", "/v1/projects/default/pipelines/other/runs", {}).json["run_id"]
    assert [one["pipeline"] for one in api("GET", "/v1/runs", token=token).json["items"]] == ["hello"]
    assert api("GET", f"/v1/runs/{hidden}", token=token).status == 404
    assert api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token).status == 404


def test_a_pool_is_given_to_its_maintainers(api):
    api("PUT", "/v1/pools/metal", {"provider": "host", "projects": ["default"]})
    _, token = member(api, "Ada", ("maintainer", "pool:metal"))

    assert [one["name"] for one in api("GET", "/v1/pools", token=token).json["items"]] == ["metal"]
    changed = api("PUT", "/v1/pools/metal", {"provider": "host", "boot_deadline": 60}, token=token)
    assert (changed.status, changed.json["projects"]) == (200, ["default"]), changed.text
    assert api("GET", "/v1/pools/local", token=token).status == 404
    assert api("PUT", "/v1/pools/local", {"provider": "host"}, token=token).status == 403
    assert api("GET", "/v1/projects", token=token).json["items"] == []


def test_teams_give_their_members_what_they_have(api):
    member_id, token = member(api, "Ada", teams=["dev"])
    assert grant(api, "team:dev", "viewer", "project:default").status == 201

    assert api("GET", "/v1/runs", token=token).status == 200
    assert api("GET", "/v1/self", token=token).json["grants"] == [
        {"subject": "team:dev", "role": "viewer", "scope": "project:default"}
    ]
    assert api("DELETE", f"/v1/teams/dev/members/{member_id}").status == 204
    assert api("GET", "/v1/runs", token=token).status == 403
    assert api("PUT", f"/v1/teams/dev/members/{member_id}").status == 204
    assert api("GET", "/v1/runs", token=token).status == 200
    assert [one["member_id"] for one in api("GET", "/v1/teams/dev").json["members"]] == [member_id]

    assert api("DELETE", "/v1/teams/dev").status == 204
    assert api("GET", "/v1/runs", token=token).status == 403
    # A later team of the same name has neither its members nor its grants.
    assert api("PUT", "/v1/teams/dev", {}).status == 201
    assert api("GET", "/v1/teams/dev").json["members"] == []
    assert api("GET", "/v1/grants").json["items"] == []


def test_own_roles(api):
    assert api("PUT", "/v1/roles/starter", {"permissions": ["runs:start"]}).status == 201
    member_id, token = member(api, "Ada", ("starter", "project:default"))

    assert api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token).status == 201
    assert api("GET", "/v1/runs", token=token).status == 403
    assert api("PUT", "/v1/roles/starter", {"permissions": ["runs:start", "runs:read"]}).status == 200
    assert api("GET", "/v1/runs", token=token).status == 200

    assert api("DELETE", "/v1/roles/starter").status == 409
    (granted,) = api("GET", "/v1/grants", query={"subject": f"member:{member_id}"}).json["items"]
    assert api("DELETE", f"/v1/grants/{granted['grant_id']}").status == 204
    assert api("GET", "/v1/runs", token=token).status == 403
    assert api("DELETE", "/v1/roles/starter").status == 204
    assert api("PUT", "/v1/roles/viewer", {"permissions": ["runs:start"]}).status == 409
    assert api("PUT", "/v1/roles/other", {"permissions": ["*"]}).status == 422
    assert [one["name"] for one in api("GET", "/v1/roles").json["items"]] == [
        "viewer",
        "developer",
        "maintainer",
        "admin",
        "auditor",
    ]


def test_granting_is_repeatable_and_checked(api):
    member_id, _ = member(api)
    subject = f"member:{member_id}"

    first = grant(api, subject, "viewer", "project:default")
    again = grant(api, subject, "viewer", "project:default")
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert grant(api, subject, "king", "project:default").status == 422
    assert grant(api, subject, "viewer", "project:none").status == 404
    assert grant(api, subject, "viewer", "pool:none").status == 404
    assert grant(api, "team:none", "viewer", "project:default").status == 404
    assert grant(api, "team:rival/dev", "viewer", "project:default").status == 422
    assert grant(api, subject, "viewer", "project").status == 422


def test_nobody_grants_more_than_they_hold(api, other_project):
    member_id, token = member(api, "Ada", ("maintainer", "project:default"))
    subject = f"member:{member_id}"

    assert grant(api, subject, "developer", "project:default", token=token).status == 201
    assert grant(api, subject, "admin", "project:default", token=token).status == 403
    assert grant(api, subject, "viewer", "organization", token=token).status == 404
    assert grant(api, subject, "viewer", "project:other", token=token).status == 404
    assert grant(api, subject, "viewer", "pool:local", token=token).status == 404
    assert api("PUT", "/v1/roles/mine", {"permissions": ["runs:read"]}, token=token).status == 403


def test_an_account_manager_gains_nothing_by_its_accounts_teams_and_roles(api):
    permissions = [
        "members:read", "members:write", "teams:read", "teams:write", "service-accounts:write", "roles:write",
        "invitations:write", "grants:write",
    ]  # fmt: skip
    assert api("PUT", "/v1/roles/people", {"permissions": permissions}).status == 201
    member_id, token = member(api, "Eve", ("people", "organization"))
    api("PUT", "/v1/teams/admins", {})
    grant(api, "team:admins", "admin", "organization")
    api("PUT", "/v1/service-accounts/deploy", {})
    grant(api, "service-account:deploy", "developer", "project:default")

    def refused(answer: Answer) -> bool:
        return answer.status == 403

    assert refused(api("PUT", f"/v1/teams/admins/members/{member_id}", token=token))
    assert refused(api("POST", "/v1/service-accounts/deploy/tokens", {"name": "t"}, token=token))
    assert refused(api("POST", "/v1/invitations", {"email": "e@x.org", "teams": ["admins"]}, token=token))
    offer = {"email": "e@x.org", "role": "admin", "scope": "organization"}
    assert refused(api("POST", "/v1/invitations", offer, token=token))
    assert refused(api("POST", "/v1/members", {"name": "E", "email": "e@x.org", "teams": ["admins"]}, token=token))
    assert refused(api("PUT", "/v1/roles/people", {"permissions": [*permissions, "secrets:write"]}, token=token))
    assert refused(grant(api, f"member:{member_id}", "viewer", "organization", token=token))


def test_a_service_account_acts_with_its_grants(api):
    assert api("PUT", "/v1/service-accounts/ci", {"description": "continuous integration"}).status == 201
    created = api("POST", "/v1/service-accounts/ci/tokens", {"name": "laptop"})
    token = created.json["token"]

    assert created.json["subject"] == "service-account:ci"
    assert api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token).status == 403
    grant(api, "service-account:ci", "developer", "project:default")
    started = api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token)
    assert started.status == 201
    assert api("GET", f"/v1/runs/{started.json['run_id']}").json["created_by"] == "service-account:ci"

    assert api("DELETE", "/v1/service-accounts/ci").status == 204
    assert api("GET", "/v1/runs", token=token).status == 401
    api("PUT", "/v1/service-accounts/ci", {})
    assert api("GET", "/v1/runs", token=token).status == 401
    assert api("GET", "/v1/grants").json["items"] == []


def test_a_members_own_tokens_are_no_more_than_the_member(api):
    member_id, token = member(api, "Ada", ("developer", "project:default"))

    created = api(
        "POST", "/v1/tokens", {"name": "ci", "permissions": ["runs:read"], "project": "default"}, token=token
    ).json
    assert created["subject"] == created["created_by"] == f"member:{member_id}"
    assert api("GET", "/v1/runs", token=created["token"]).status == 200
    assert api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=created["token"]).status == 403
    narrow = created["token"]
    assert api("POST", "/v1/tokens", {"name": "x", "permissions": ["*"]}, token=narrow).status == 403

    everything = api("POST", "/v1/tokens", {"name": "all", "permissions": ["*"]}, token=token).json["token"]
    assert api("PUT", "/v1/projects/default/secrets/s", {"value": "v"}, token=everything).status == 403
    # It lists and revokes its own, and no tokens of others.
    listed = api("GET", "/v1/tokens", token=token).json["items"]
    assert {one["subject"] for one in listed} == {f"member:{member_id}"}
    admin = next(one for one in api("GET", "/v1/tokens").json["items"] if one["name"] == "admin")
    assert api("DELETE", f"/v1/tokens/{admin['token_id']}", token=token).status == 404


def test_a_leaver_is_out_at_once(api):
    member_id, token = member(api, "Ada", ("admin", "organization"))
    second = api("POST", "/v1/tokens", {"name": "ci", "permissions": ["*"]}, token=token).json["token"]
    code = api("POST", "/v1/invitations", {"email": "bob@example.org"}, token=token).json["code"]
    api("PUT", "/v1/service-accounts/ci", {}, token=token)
    assert api("GET", "/v1/runs", token=second).status == 200

    assert api("DELETE", f"/v1/members/{member_id}").status == 204

    assert [api("GET", "/v1/runs", token=one).status for one in (token, second)] == [401, 401]
    assert api("POST", "/v1/accept-invitation", {"code": code, "name": "Bob"}, token=None).status == 404
    assert [one for one in api("GET", "/v1/tokens").json["items"] if one["subject"]] == []
    assert api("GET", "/v1/grants").json["items"] == []
    assert api("GET", "/v1/invitations").json["items"] == []
    # Accounts of the organization are not the leaver's: they stay.
    assert [one["name"] for one in api("GET", "/v1/service-accounts").json["items"]] == ["ci"]
    assert api("DELETE", f"/v1/members/{member_id}").status == 404


def test_tokens_are_refused_although_the_removal_was_interrupted(api):
    member_id, token = member(api, "Ada", ("admin", "organization"))

    api.services.people.store.delete_member("default", member_id)

    assert api("GET", "/v1/runs", token=token).status == 401
    assert api("DELETE", f"/v1/members/{member_id}").status == 404
    assert [one for one in api("GET", "/v1/tokens").json["items"] if one["subject"]] == []


def test_an_invitation_is_accepted_once(api):
    created = api("POST", "/v1/invitations", {"email": "bob@example.org"}).json
    accept = {"code": created["code"], "name": "Bob"}

    wrong = created["code"][:-1] + ("a" if created["code"][-1] != "a" else "b")
    for code in (wrong, created["code"].replace("default", "rival"), "cadi_", "x"):
        assert api("POST", "/v1/accept-invitation", {**accept, "code": code}, token=None).status == 404
    assert api("POST", "/v1/accept-invitation", accept, token=None).status == 201
    assert api("POST", "/v1/accept-invitation", accept, token=None).status == 404

    again = api("POST", "/v1/invitations", {"email": "bob@example.org"}).json
    assert "code" not in api("GET", "/v1/invitations").json["items"][0]
    assert api("DELETE", f"/v1/invitations/{again['invitation_id']}").status == 204
    assert api("POST", "/v1/accept-invitation", {**accept, "code": again["code"]}, token=None).status == 404


def test_an_invitation_expires(api):
    import time_machine

    code = api("POST", "/v1/invitations", {"email": "bob@example.org", "expires_in": 60}).json["code"]
    with time_machine.travel("2100-01-01"):
        assert api("POST", "/v1/accept-invitation", {"code": code, "name": "Bob"}, token=None).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "bob@example.org", "team": "rival/dev"},
        {"email": "bob@example.org", "role": "viewer"},
        {"team": "rival/dev"},
        {"team": "rival/dev", "role": "viewer", "scope": "organization", "teams": ["dev"]},
        {"team": "default/dev", "role": "viewer", "scope": "organization"},
    ],
)
def test_invitations_that_make_no_sense(api, body):
    assert api("POST", "/v1/invitations", body).status == 422


def test_a_guest_sees_the_shared_project_and_nothing_else(api, other_project, other_organization):
    """A team of `rival` is invited to the project `default` of `default`."""
    rival = other_organization
    api("PUT", "/v1/teams/dev", {}, token=rival)
    code = api("POST", "/v1/invitations", {"email": "r@rival.org", "teams": ["dev"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json["token"]
    there = {"cadence-organization": "default"}
    assert api("GET", "/v1/runs", token=guest, headers=there).status == 404

    offer = {"team": "rival/dev", "role": "developer", "scope": "project:default"}
    code = api("POST", "/v1/invitations", offer).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}).status == 404
    shared = api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival)
    assert shared.json == {
        "organization": "default", "team": "rival/dev", "role": "developer", "scope": "project:default",
    }  # fmt: skip
    assert api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival).status == 404

    run = api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=guest, headers=there)
    assert run.status == 201, run.text
    hidden = api("POST", "/v1/projects/other/runs", {"document": HELLO}).json["run_id"]
    assert [one["name"] for one in api("GET", "/v1/projects", token=guest, headers=there).json["items"]] == ["default"]
    listed = api("GET", "/v1/runs", token=guest, headers=there).json["items"]
    assert [one["run_id"] for one in listed] == [run.json["run_id"]]
    assert api("GET", f"/v1/runs/{hidden}", token=guest, headers=there).status == 404
    assert api("GET", "/v1/members", token=guest, headers=there).status == 403
    # At home the grant of the other organization counts for nothing, and tokens without a holder are no guests.
    assert api("GET", "/v1/runs", token=guest).status == 403
    assert api("GET", "/v1/runs", token=rival, headers=there).status == 404

    (granted,) = api("GET", "/v1/grants").json["items"]
    assert api("DELETE", f"/v1/grants/{granted['grant_id']}").status == 204
    assert api("GET", "/v1/runs", token=guest, headers=there).status == 404


def test_a_guest_learns_ids_of_people_and_nothing_else_of_them(api, other_organization):
    """A team of `rival` is an auditor of the project `default` of `default`, and reads ids."""
    rival = other_organization
    api("PUT", "/v1/teams/dev", {}, token=rival)
    code = api("POST", "/v1/invitations", {"email": "r@rival.org", "teams": ["dev"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json["token"]
    there = {"cadence-organization": "default"}
    for role in ("auditor", "viewer"):
        offer = {"team": "rival/dev", "role": role, "scope": "project:default"}
        code = api("POST", "/v1/invitations", offer).json["code"]
        assert api("POST", "/v1/accept-invitation/for-team", {"code": code}, token=rival).status == 200

    member_id, ada = member(api, "Lovelace")
    grant(api, f"member:{member_id}", "developer", "project:default")
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=ada, source="10.9.8.7").json["run_id"]
    assert api("GET", f"/v1/runs/{run_id}/logs", token=ada, source="10.9.8.7").status == 200
    for path in ("/v1/audit", f"/v1/runs/{run_id}/data", f"/v1/runs/{run_id}"):
        at_home, shown = api("GET", path), api("GET", path, token=guest, headers=there)
        assert (at_home.status, shown.status) == (200, 200), shown.text
        assert f"member:{member_id}" in shown.text
        assert "Lovelace" in at_home.text
        assert "Lovelace" not in shown.text
        assert "10.9.8.7" not in shown.text
    # A name cannot be tried out either.
    by_name = {"query": {"actor": "Lovelace"}}
    assert len(api("GET", "/v1/audit", **by_name).json["items"]) > 0
    assert api("GET", "/v1/audit", token=guest, headers=there, **by_name).json["items"] == []


def test_access_is_explained(api):
    member_id, _ = member(api, "Ada", teams=["dev"])
    grant(api, "team:dev", "developer", "project:default")
    subject = f"member:{member_id}"

    allowed = explain(api, subject, "runs:start", "pipeline:default/hello")
    assert allowed["decision"] == "allowed"
    assert allowed["reason"] == "The role developer, granted to team:dev at project:default, allows it."
    lacking = explain(api, subject, "secrets:write", "project:default")
    assert lacking["decision"] == "refused"
    assert [(one["permitted"], one["covered"]) for one in lacking["grants"]] == [(False, True)]
    elsewhere = explain(api, subject, "runs:start", "project:other")
    assert [(one["permitted"], one["covered"]) for one in elsewhere["grants"]] == [(True, False)]
    assert explain(api, subject, "audit:read", "pool:local")["grants"] == []
    assert explain(api, "member:" + "0" * 26, "runs:start", "organization")["status"] == 404
    assert explain(api, subject, "runs:fly", "organization")["status"] == 422


def test_changes_are_audited(api):
    member_id, _ = member(api, "Ada", ("viewer", "project:default"))
    api("DELETE", f"/v1/members/{member_id}")

    actions = [one["action"] for one in api("GET", "/v1/audit").json["items"]]
    assert actions[:4] == ["remove_member", "create_grant", "accept_invitation", "create_invitation"]


def test_a_refused_start_names_the_pipeline_in_the_same_words_whatever_exists(api):
    for name in ("hello", "hidden"):
        document = HELLO.replace("name: hello", f"name: {name}")
        assert api("PUT", f"/v1/projects/default/pipelines/{name}", {"document": document}).status == 201
    _, token = member(api, "Ada", ("developer", "pipeline:default/hello"))
    start = "/v1/projects/{}/pipelines/{}/runs"

    def refusal(project: str, pipeline: str) -> str:
        refused = api("POST", start.format(project, pipeline), {}, token=token)
        assert refused.status == 404
        return str(refused.json["detail"])

    assert refusal("default", "hidden") == "There is no pipeline 'hidden' in project 'default', or you may not use it."
    assert refusal("default", "none") == "There is no pipeline 'none' in project 'default', or you may not use it."
    assert refusal("none", "none") == "There is no pipeline 'none' in project 'none', or you may not use it."
    started = api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token)
    assert started.json["detail"] == "There is no project 'default' here, or you may not use it."
    assert api("POST", start.format("none", "none"), {}).json["detail"] == "There is no project 'none' here."


def test_an_invitation_to_a_team_is_none_to_a_later_team_of_its_name(api):
    api("PUT", "/v1/teams/ops", {})
    api("PUT", "/v1/teams/web", {})
    code = api("POST", "/v1/invitations", {"email": "ada@example.org", "teams": ["ops", "web"]}).json["code"]
    assert api("DELETE", "/v1/teams/ops").status == 204
    api("PUT", "/v1/teams/ops", {})
    grant(api, "team:ops", "admin", "organization")

    accepted = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ada"}, token=None)
    assert accepted.json["member"]["teams"] == ["web"]
    assert api("GET", "/v1/members", token=accepted.json["token"]).status == 403


def test_a_later_team_or_account_of_a_name_has_nothing_that_came_while_the_first_was_removed(api):
    ada, _ = member(api, "Ada", teams=["ops"])
    api("PUT", "/v1/service-accounts/ci", {})
    for subject in ("team:ops", "service-account:ci"):
        assert grant(api, subject, "admin", "organization").status == 201
    people = api.services.people.store
    people.delete_team("default", "ops")  # and then it failed, or somebody joined at this moment
    people.delete_service_account("default", "ci")

    assert api("PUT", "/v1/teams/ops", {}).status in (200, 201)
    assert api("PUT", "/v1/service-accounts/ci", {}).status in (200, 201)
    assert api("GET", "/v1/grants").json["items"] == []
    assert api("GET", f"/v1/members/{ada}").json["teams"] == []
