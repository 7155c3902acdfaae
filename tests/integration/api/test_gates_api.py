"""Environments, approvals by token and by link, quotas and pools' limits, over the API's own Lambda."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cadence.cli.insight.approval_lines import approval_lines
from cadence.domain.limits.approval import ApprovalRequest, Approver, obstacle
from cadence.domain.limits.quotas import Quotas
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from tests.integration.api.calling import HELLO, Api

PRODUCTION = {
    "env": {"STAGE": "production"},
    "secrets": {"KEY": "deploy-key"},
    "approvals": {"required": 1, "timeout": 600, "approvers": ["admin"], "not_by_starter": False},
    "branches": ["main", "release/*"],
    "protected_branches": True,
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def waiting(api: Api) -> str:
    """A run whose treatment `deploy` was asked for an approval."""
    run_id: str = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    spec = TreatmentSpec(name="deploy", run="true", environment="production")
    runs, now = api.services.runs, api.services.clock()
    runs.admit(run_id, [spec], [Treatment(run_id=run_id, name="deploy", state=TreatmentState.PENDING, waiting=0)], [])
    runs.advance(
        run_id,
        "deploy",
        1,
        {TreatmentState.PENDING},
        TreatmentState.READY,
        waiting_for="approval for environment production",
    )
    api.services.approval_store.ask(
        ApprovalRequest(
            run_id=run_id,
            treatment="deploy",
            environment="production",
            required=1,
            approvers=None,
            not_by_starter=False,
            asked_at=now,
            expires_at=now + timedelta(seconds=600),
        )
    )
    return run_id


def link(api: Api, run_id: str) -> tuple[str, str]:
    made = api("POST", f"/v1/runs/{run_id}/treatments/deploy/approval-links")
    assert made.status == 201, made.text
    address = urlsplit(made.json["path"])
    return address.path, parse_qs(address.query)["key"][0]


def test_an_environment_is_stored_read_listed_and_deleted(api: Api) -> None:
    path = "/v1/projects/default/environments/production"
    assert api("PUT", path, PRODUCTION).status == 201
    again = api("PUT", path, PRODUCTION | {"env": {}})
    assert again.status == 200
    shown = api("GET", path).json
    assert shown == {"name": "production", **PRODUCTION, "env": {}}
    assert api("GET", "/v1/projects/default/environments").json["items"] == [shown]
    assert api("DELETE", path).status == 204
    assert api("DELETE", path).status == 404
    assert api("GET", path).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"env": {"1A": "x"}},
        {"env": {"A": 1}},
        {"secrets": {"A": "no name!"}},
        {"approvals": {"required": 0}},
        {"approvals": {"timeout": 1}},
        {"approvals": {"approvers": []}},
        {"branches": [""]},
        {"more": 1},
    ],
)
def test_a_wrong_environment_is_refused(api: Api, wrong: dict[str, object]) -> None:
    assert api("PUT", "/v1/projects/default/environments/e", wrong).status == 422


def test_an_approval_is_kept_and_shown_and_made_once(api: Api, waiting: str) -> None:
    path = f"/v1/runs/{waiting}/treatments/deploy/approval"
    made = api("POST", path, {"decision": "approve", "comment": "fine"})
    assert made.status == 200, made.text
    assert made.json["by"] == api("GET", "/v1/tokens").json["items"][0]["name"]
    assert api("POST", path, {"decision": "approve"}).json == made.json
    assert api("POST", path, {"decision": "refuse"}).status == 409
    assert api("POST", f"/v1/runs/{waiting}/treatments/greet/approval", {"decision": "approve"}).status == 409
    summary = next(t for t in api("GET", f"/v1/runs/{waiting}").json["treatments"] if t["name"] == "deploy")
    assert summary["waiting_for"] == "approval for environment production"

    shown = api("GET", f"/v1/runs/{waiting}/treatments/deploy").json["approval"]
    assert shown["decisions"] == [made.json]
    assert shown["decisions"][0]["by_name"] == ""
    required, decision = approval_lines(shown)
    assert required.startswith("environment production: 1 of 1 approval, asked ")
    assert re.fullmatch(rf"approved by {made.json['by']}, [-0-9]{{10}} [:0-9]{{8}}: fine", decision)
    assert list(approval_lines(api("GET", f"/v1/runs/{waiting}/treatments/greet").json["approval"])) == []


def test_an_approval_of_a_member_shows_its_name(api: Api, waiting: str) -> None:
    invitation = {"email": "bea@example.org", "role": "maintainer", "scope": "project:default"}
    code = api("POST", "/v1/invitations", invitation).json["code"]
    bea = api("POST", "/v1/accept-invitation", {"code": code, "name": "Bea"}, token=None).json["token"]
    path = f"/v1/runs/{waiting}/treatments/deploy"

    decision = api("POST", f"{path}/approval", {"decision": "approve"}, token=bea).json
    assert decision["by"].startswith("member:") and decision["by_name"] == "Bea"
    shown = api("GET", path).json["approval"]
    assert shown["decisions"] == [decision]
    assert list(approval_lines(shown))[1].startswith("approved by Bea, ")


def test_what_waits_for_an_approval_is_listed_with_who_may_decide(api: Api, waiting: str) -> None:
    assert api("GET", "/v1/approvals").json["items"] == []  # its run has not begun
    api.services.runs.begin_run(waiting, "machine", api.services.clock())
    (mine,) = api("GET", "/v1/approvals").json["items"]
    assert (mine["run_id"], mine["treatment"], mine["environment"]) == (waiting, "deploy", "production")
    assert (mine["obstacle"], mine["decisions"], mine["required"]) == (None, [], 1)
    reader = api.token_for(["runs:read"])
    (others,) = api("GET", "/v1/approvals", token=reader).json["items"]
    assert others["obstacle"] == "The permission runs:approve is missing."
    assert api("GET", "/v1/approvals", query={"project": "elsewhere"}).status == 404
    api("POST", f"/v1/runs/{waiting}/treatments/deploy/approval", {"decision": "approve"})
    assert api("GET", "/v1/approvals").json["items"] == []


def test_the_rule_of_an_environment_is_an_obstacle() -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    request = ApprovalRequest(
        run_id="r", treatment="deploy", environment="e", required=1, approvers=("ada", "bob"), not_by_starter=True,
        asked_at=now, expires_at=now,
    )  # fmt: skip
    ada, eve = Approver.of_token("id-ada", "ada"), Approver.of_token("id-eve", "eve")
    assert obstacle(request, ada, "eve") is None
    assert "by the user who started" in str(obstacle(request, ada, "ada"))
    assert "only by: ada, bob" in str(obstacle(request, eve, "ada"))


def test_a_link_decides_once_in_the_name_of_its_maker(api: Api, waiting: str) -> None:
    path, key = link(api, waiting)
    page = api("GET", path, query={"key": key}, token=None)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "deploy" in page.text
    assert list(api.services.approval_store.decisions(waiting, "deploy")) == []  # opening it decides nothing

    form = urlencode({"key": key, "decision": "refuse", "comment": "<b>no</b>"})
    decided = api("POST", path, raw=form, headers=FORM, token=None)
    assert decided.status == 200, decided.text
    (decision,) = api.services.approval_store.decisions(waiting, "deploy")
    assert decision.by.startswith("link made by ")
    assert (decision.verdict, decision.comment) == ("refuse", "<b>no</b>")
    assert api("POST", path, raw=form, headers=FORM, token=None).status == 410
    used = api("GET", path, query={"key": key}, token=None, headers={"accept": "text/html"})
    assert used.status == 410
    assert "was used already" in used.text


def test_a_link_ends_with_the_token_that_made_it(api: Api, waiting: str) -> None:
    maker = api("POST", "/v1/tokens", {"name": "approver", "permissions": ["runs:approve"]}).json
    made = api("POST", f"/v1/runs/{waiting}/treatments/deploy/approval-links", token=maker["token"])
    path, key = made.json["path"].split("?key=")
    assert api("GET", path, query={"key": key}, token=None).status == 200
    assert api("DELETE", f"/v1/tokens/{maker['token_id']}").status == 204
    form = urlencode({"key": key, "decision": "approve"})
    for answer in (
        api("GET", path, query={"key": key}, token=None),
        api("POST", path, raw=form, headers=FORM, token=None),
    ):
        assert answer.status == 410
    assert list(api.services.approval_store.decisions(waiting, "deploy")) == []


def test_a_wrong_key_and_an_unknown_link_are_the_same(api: Api, waiting: str) -> None:
    path, key = link(api, waiting)
    wrong = api("GET", path, query={"key": key[:-1] + "!"}, token=None)
    unknown = api("GET", "/v1/approvals/none", query={"key": key}, token=None)
    assert (wrong.status, wrong.text) == (404, unknown.text)
    form = urlencode({"key": "k", "decision": "approve"})
    assert api("POST", path, raw=form, headers=FORM, token=None).status == 404
    stored = api.services.approval_links.links.get_link(path.rsplit("/", 1)[1])
    assert key not in repr(vars(stored))


def test_what_is_on_the_page_is_escaped(api: Api, waiting: str) -> None:
    now = api.services.clock()
    api.services.approval_store.ask(
        ApprovalRequest(
            run_id=waiting,
            treatment="deploy2",
            environment='"><script>alert(1)</script>',
            required=1,
            approvers=None,
            not_by_starter=False,
            asked_at=now,
            expires_at=now + timedelta(60),
        )
    )
    made = api("POST", f"/v1/runs/{waiting}/treatments/deploy2/approval-links").json["path"]
    address = urlsplit(made)
    page = api("GET", address.path, query=address.query, token=None)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_quotas_are_set_by_who_may_act_everywhere(api: Api, other_project: str) -> None:
    assert api("GET", "/v1/organizations/quotas").json == {"max_running_runs": 500, "max_runners": None}
    wanted = {"max_running_runs": 2, "max_runners": 7}
    assert api("PUT", "/v1/organizations/quotas", wanted).json == wanted
    assert api.services.access.get_quotas("default") == Quotas(2, 7)
    narrow = api.token_for(["*"], other_project)
    assert api("PUT", "/v1/organizations/quotas", wanted, token=narrow).status == 403
    assert api("PUT", "/v1/organizations/quotas", {"max_running_runs": 0}).status == 422


def test_runs_beyond_the_quota_wait_and_go_on_when_it_is_raised(api: Api) -> None:
    api("PUT", "/v1/organizations/quotas", {"max_running_runs": 1})
    runs = [api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"] for _ in range(3)]
    shown = [api("GET", f"/v1/runs/{run_id}").json["waiting_for"] for run_id in runs]
    assert shown == [
        None,
        "one of the 1 running runs of organization default to end (position 1)",
        "one of the 1 running runs of organization default to end (position 2)",
    ]
    assert api("POST", f"/v1/runs/{runs[1]}/cancel").json["state"] == "cancelled"
    api("PUT", "/v1/organizations/quotas", {"max_running_runs": 2})
    inside = api.services.run_gates.concurrency_limits.store.inside("RUNS#default", 10)
    assert {place.run_id for place in inside} == {runs[0], runs[2]}


def test_a_pools_limit_is_stored_and_removed(api: Api) -> None:
    limited = {"provider": "host", "limits": {"runners": 3}}
    assert api("PUT", "/v1/pools/small", limited).json["limits"]["runners"] == 3
    assert api.services.access.get_pool("default", "small").max_runners == 3
    assert api("PUT", "/v1/pools/small", {"provider": "host"}).json["limits"]["runners"] is None
    assert api("PUT", "/v1/pools/small", {"provider": "host", "limits": {"runners": 0}}).status == 422
