"""Environments whose approvers are members, teams, service accounts and tokens."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from tests.integration.api.calling import HELLO, Answer, Api
from tests.integration.api.people.test_people import grant, member

PATH = "/v1/projects/default/environments/production"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def environment(api: Api, *approvers: str, **how: Any) -> Answer:
    return api("PUT", PATH, {"approvals": {"required": 2, "approvers": list(approvers)}}, **how)


def waiting(api: Api, *approvers: str) -> str:
    """Returns a run whose treatment `deploy` waits for an approval of the environment, as **Place** asks for it."""
    stored = environment(api, *approvers)
    assert stored.status in (200, 201), stored.text
    run_id = str(api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"])
    spec = TreatmentSpec(name="deploy", run="true", environment="production")
    api.services.runs.admit(
        run_id, [spec], [Treatment(run_id=run_id, name="deploy", state=TreatmentState.PENDING, waiting=0)], []
    )
    api.services.runs.begin_run(run_id, "machine", api.services.clock())
    reason = api.services.approvals.missing(api.services.runs.get_run(run_id), "production", "deploy")
    assert reason == "2 approvals for environment production"
    api.services.runs.advance(run_id, "deploy", 1, {TreatmentState.PENDING}, TreatmentState.READY, waiting_for=reason)
    return run_id


def approve(api: Api, run_id: str, token: str, verdict: str = "approve") -> Answer:
    return api("POST", f"/v1/runs/{run_id}/treatments/deploy/approval", {"decision": verdict}, token=token)


def approver(api: Api, name: str, *teams: str) -> tuple[str, str]:
    return member(api, name, ("maintainer", "project:default"), teams=list(teams))


def decided(api: Api, run_id: str) -> list[str]:
    return [one.approver for one in api.services.approval_store.decisions(run_id, "deploy")]


def test_a_team_approves_with_the_members_that_it_has_at_that_moment(api: Api) -> None:
    ada_id, ada = approver(api, "Ada", "release")
    bob_id, bob = approver(api, "Bob")
    run_id = waiting(api, "team:release")

    refused = approve(api, run_id, bob)
    assert (refused.status, refused.json["detail"]) == (
        403,
        "Environment production is approved only by: team:release.",
    )
    assert api("PUT", f"/v1/teams/release/members/{bob_id}").status == 204
    assert approve(api, run_id, bob).status == 200
    assert api("DELETE", f"/v1/teams/release/members/{ada_id}").status == 204
    assert approve(api, run_id, ada).status == 403
    assert decided(api, run_id) == [f"member:{bob_id}"]


def test_a_member_is_named_by_address_stored_by_id_and_votes_once(api: Api) -> None:
    ada_id, ada = approver(api, "Ada", "release")
    stored = environment(api, "ADA@example.org", f"member:{ada_id}", "team:release")
    assert stored.json["approvals"]["approvers"] == [f"member:{ada_id}", "team:release"]
    assert api("GET", PATH).json == stored.json

    run_id = waiting(api, "ada@example.org", "team:release")
    second = api("POST", "/v1/tokens", {"name": "laptop", "permissions": ["runs:approve"]}, token=ada).json["token"]
    assert approve(api, run_id, ada).status == 200
    assert approve(api, run_id, second).status == 200
    assert decided(api, run_id) == [f"member:{ada_id}"]
    assert api.services.approvals.decided(run_id, "deploy") is False
    assert approve(api, run_id, second, "refuse").status == 409


def test_a_link_counts_for_the_teams_that_its_maker_has_when_it_is_used(api: Api) -> None:
    ada_id, ada = approver(api, "Ada", "release")
    bob_id, bob = approver(api, "Bob", "release")
    run_id = waiting(api, "team:release")
    made = [
        api("POST", f"/v1/runs/{run_id}/treatments/deploy/approval-links", token=token).json["path"]
        for token in (ada, bob)
    ]
    assert api("DELETE", f"/v1/teams/release/members/{ada_id}").status == 204

    answers = []
    for path in map(urlsplit, made):
        form = urlencode({"key": parse_qs(path.query)["key"][0], "decision": "approve"})
        answers.append(api("POST", path.path, raw=form, headers=FORM, token=None).status)
    assert answers == [403, 200]
    assert decided(api, run_id) == [f"member:{bob_id}"]


def test_names_of_tokens_go_on_working(api: Api) -> None:
    _, ada = approver(api, "old")
    made = api("POST", "/v1/tokens", {"name": "old", "permissions": ["runs:approve"]}).json
    run_id = waiting(api, "old")

    assert approve(api, run_id, ada).status == 403  # a member of that name is somebody else
    assert approve(api, run_id, made["token"]).status == 200
    assert decided(api, run_id) == [made["token_id"]]


def test_a_token_is_no_team_and_no_member_by_its_name(api: Api) -> None:
    ada_id, _ = approver(api, "Ada", "release")
    run_id = waiting(api, "team:release", f"member:{ada_id}")

    for name in ("team:release", f"member:{ada_id}"):
        false = api("POST", "/v1/tokens", {"name": name, "permissions": ["runs:approve"]}).json["token"]
        assert approve(api, run_id, false).status == 403
    assert decided(api, run_id) == []


def test_a_service_account_approves_if_it_is_named(api: Api) -> None:
    for name in ("gate", "other"):
        assert api("PUT", f"/v1/service-accounts/{name}", {}).status == 201
        assert grant(api, f"service-account:{name}", "maintainer", "project:default").status == 201
    tokens = {
        name: api("POST", f"/v1/service-accounts/{name}/tokens", {"name": "t"}).json["token"]
        for name in ("gate", "other")
    }
    run_id = waiting(api, "service-account:gate")

    (pending,) = api("GET", "/v1/approvals", token=tokens["other"]).json["items"]
    assert pending["approvers"] == ["service-account:gate"]
    assert pending["obstacle"] == "Environment production is approved only by: service-account:gate."
    assert approve(api, run_id, tokens["other"]).status == 403
    assert approve(api, run_id, tokens["gate"]).status == 200


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("team:none", "There is no team 'none' here."),
        ("service-account:none", "There is no service account 'none' here."),
        ("member:00000000000000000000000000", "There is no member '00000000000000000000000000' here."),
        ("team:No Team", "'team:No Team' is no approver."),
        ("nobody@example.org", "There is no member with the address 'nobody@example.org' here."),
        ("twice@example.org", "Several members have the address 'twice@example.org'."),
    ],
)
def test_who_does_not_exist_is_no_approver(api: Api, name: str, message: str) -> None:
    for each in ("One", "Two"):
        assert api("POST", "/v1/members", {"name": each, "email": "twice@example.org"}).status == 201
    refused = environment(api, "some-token", name)
    assert refused.status == 422
    (violation,) = refused.json["violations"]
    assert violation["pointer"] == "/approvals/approvers/1"
    assert violation["message"].startswith(message)
    assert api("GET", PATH).status == 404


def test_an_address_that_is_the_name_of_a_token_goes_on_working(api: Api) -> None:
    assert api("POST", "/v1/tokens", {"name": "ci@example.org", "permissions": ["runs:approve"]}).status == 201
    assert environment(api, "ci@example.org").json["approvals"]["approvers"] == ["ci@example.org"]


def test_guests_approve_with_their_team_and_learn_of_no_other(api: Api, other_organization: str) -> None:
    """The team `rival/release` is a guest; a team of the same name at home is another."""
    rival, there = other_organization, {"cadence-organization": "default"}
    for token in (api.token, rival):
        assert api("PUT", "/v1/teams/release", {}, token=token).status == 201
    code = api("POST", "/v1/invitations", {"email": "r@rival.org", "teams": ["release"]}, token=rival).json["code"]
    guest = api("POST", "/v1/accept-invitation", {"code": code, "name": "Ro"}, token=None).json
    offer = {"team": "rival/release", "role": "maintainer", "scope": "project:default"}
    shared = api("POST", "/v1/invitations", offer).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": shared}, token=rival).status == 200
    member(api, "Ada")

    how = {"token": guest["token"], "headers": there}
    answers = [environment(api, name, **how).status for name in ("team:release", "team:none", "ada@example.org")]
    assert answers == [201, 200, 422]
    decision = {"decision": "approve"}
    at_home = waiting(api, "team:release")
    assert api("POST", f"/v1/runs/{at_home}/treatments/deploy/approval", decision, **how).status == 403
    shared_with = waiting(api, "team:rival/release")
    assert api("POST", f"/v1/runs/{shared_with}/treatments/deploy/approval", decision, **how).status == 200
    assert decided(api, shared_with) == [f"member:{guest['member']['member_id']}"]
