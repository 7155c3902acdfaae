"""The audit log: what is recorded for every route, what is refused, and how it is read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from api.application import build
from api.endpoint import PUBLIC, Endpoint
from api.routes import ENDPOINTS
from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.domain.access.audit import AuditEntry, AuditFilter, AuditKind
from cadence.domain.shared.errors import Transient
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.test_every_route import call, name

# They are called with another method because of their bodies; nothing is stored that a caller could find again.
CHANGE_NOTHING = {
    "POST /v1/projects/{project}/pipelines:validate",
    "POST /v1/projects/{project}/programs:read",
    "POST /v1/alerts/dry-runs",
}
CHANGES = [one for one in ENDPOINTS if one.method != "GET" and name(one) not in CHANGE_NOTHING]
# What treatments sent or printed.
HAND_OVER_CONTENT = {
    "GET /v1/alerts",
    "GET /v1/dead-letters/{dead_letter_id}",
    "GET /v1/logs",
    "GET /v1/logs/counts",
    "GET /v1/logs/live",
    "GET /v1/runs/{run_id}/logs",
    "GET /v1/runs/{run_id}/provenance",
    "GET /v1/runs/{run_id}/summaries",
    "GET /v1/runs/{run_id}/tests",
    "GET /v1/runs/{run_id}/trace",
    "GET /v1/runs/{run_id}/treatments/{treatment}",
    "GET /v1/runs/{run_id}/treatments/{treatment}/diagnosis",
    "GET /v1/runs/{run_id}/values/{sha256}",
    "GET /v1/runs/{run_id}/treatments/{treatment}/inputs/{port}",
    "GET /v1/runs/{run_id}/treatments/{treatment}/outputs/{port}",
}


@pytest.fixture(autouse=True)
def half_past() -> Iterator[None]:
    """No test begins in one hour and ends in the next: some entries are made once an hour."""
    with time_machine.travel(datetime.now(UTC).replace(minute=30, second=0), tick=True):
        yield


def audited(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = api("GET", "/v1/audit", query={"limit": 200, **query})
    assert answer.status == 200, answer.text
    return list(answer.json["items"])


def operation(endpoint: Endpoint) -> str:
    return endpoint.function.__name__


@pytest.fixture
def tolerant(api: Api) -> Api:
    """The API, for calls that may end in an error of its own: no code host answers a connection."""
    services = api.services
    return Api(build(ENDPOINTS, services, services.authenticate, lambda error, body: None), services, api.token)


def test_every_route_that_changes_something_is_recorded(tolerant: Api) -> None:
    api = tolerant
    for endpoint in CHANGES:
        if endpoint.permission != PUBLIC:
            call(api, endpoint)
    public = {operation(one) for one in CHANGES if one.permission == PUBLIC}

    actions = {one["action"] for one in audited(api, outcome="accepted")}
    assert {operation(one) for one in CHANGES} - actions == public
    # These know whose they are only from a code in their body: each has a test of its own.
    assert public == {"accept_invitation", "decide_by_link", "open_session"}


def test_routes_that_hand_over_content_are_declared() -> None:
    assert {name(one) for one in ENDPOINTS if one.audit is AuditKind.VALUE} == HAND_OVER_CONTENT


def test_reading_is_not_recorded(api: Api) -> None:
    recorded = {name(one) for one in ENDPOINTS if one.audit is not None}
    assert recorded == {name(one) for one in CHANGES} | HAND_OVER_CONTENT
    for path in ("/v1/runs", "/v1/pools", "/v1/audit"):
        assert api("GET", path).status == 200
    assert audited(api) == []


def test_a_change_is_recorded_with_who_what_where_and_from(api: Api) -> None:
    api("PUT", "/v1/projects/default/secrets/s", {"value": "correct horse"})

    (entry,) = audited(api, action="put_secret")
    assert entry | {"at": "", "actor": "", "token": "", "request": ""} == {
        "at": "", "kind": "change", "actor": "", "token": "", "by": "admin", "project": "default",
        "action": "put_secret", "target": "/v1/projects/default/secrets/s", "outcome": "accepted", "request": "",
        "source": "127.0.0.1",
    }  # fmt: skip
    assert entry["actor"] == entry["token"] == api.token.split("_")[1]
    assert entry["request"]
    assert "horse" not in str(aws_clients.client("dynamodb").scan(TableName="access"))


def test_a_change_that_is_refused_after_all_has_its_reason_in_a_second_entry(api: Api) -> None:
    api("DELETE", "/v1/projects/default/secrets/missing")

    entries = audited(api, action="delete_secret")
    assert {(one["kind"], one["outcome"]) for one in entries} == {("change", "accepted"), ("change", "not_found")}
    assert len({one["request"] for one in entries}) == 1


def test_changes_of_a_run_belong_to_its_project(api: Api, other_project: str) -> None:
    run_id = api("POST", f"/v1/projects/{other_project}/runs", {"document": HELLO}).json["run_id"]
    api("POST", f"/v1/runs/{run_id}/cancel")

    assert [one["project"] for one in audited(api, action="cancel_run")] == [other_project]
    auditor = api.token_for(["audit:read"], other_project)
    seen = {one["action"] for one in api("GET", "/v1/audit", token=auditor).json["items"]}
    assert seen == {"start_document", "cancel_run", "create_token"}


def test_nothing_is_changed_that_cannot_be_recorded(tolerant: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(trail: DynamoAuditTrail, entry: AuditEntry) -> None:
        raise Transient("the table is busy")

    monkeypatch.setattr(DynamoAuditTrail, "note", fail)
    assert tolerant("PUT", "/v1/projects/default/secrets/s", {"value": "v"}).status == 503
    assert tolerant("GET", "/v1/projects/default/secrets").json["items"] == []


def test_a_refused_permission_is_recorded_once_an_hour_however_often_it_is_tried(api: Api) -> None:
    token = api.token_for(["runs:read"])
    for secret in ("a", "b", "a"):
        assert api("PUT", f"/v1/projects/default/secrets/{secret}", {"value": "v"}, token=token).status == 403
    assert api("GET", "/v1/pools", token=token).status == 403

    refusals = audited(api, kind="refusal")
    assert sorted((one["action"], one["outcome"], one["actor"]) for one in refusals) == sorted(
        (action, "forbidden", token.split("_")[1]) for action in ("put_secret", "list_pools")
    )


def test_a_known_token_with_a_wrong_secret_is_recorded_once_an_hour_for_all_operations(api: Api) -> None:
    short = api("POST", "/v1/tokens", {"name": "short", "permissions": ["*"], "expires_in": 60}).json
    with time_machine.travel(api.services.clock() + timedelta(minutes=30), tick=False):
        for path in ("/v1/runs", "/v1/pools", "/v1/runs"):
            assert api("GET", path, token=short["token"]).status == 401
        assert api("GET", "/v1/runs", token="cad_" + "0" * 26 + "_" + "x" * 49).status == 401

        assert [(one["token"], one["outcome"]) for one in audited(api, kind="refusal")] == [
            (short["token_id"], "unauthenticated")
        ]


def test_sign_in_and_sign_out_are_recorded(api: Api) -> None:
    opened = api("POST", "/v1/sessions", {"token": api.token}, token=None).json
    api("DELETE", f"/v1/sessions/{opened['session_id']}")

    assert {one["action"] for one in audited(api, kind="sign-in")} == {"open_session", "close_session"}


def test_an_accepted_invitation_is_recorded(api: Api) -> None:
    invited = api("POST", "/v1/invitations", {"email": "ada@example.org"}).json
    api("POST", "/v1/accept-invitation", {"code": invited["code"], "name": "Ada"}, token=None)

    (entry,) = audited(api, action="accept_invitation")
    assert (entry["actor"], entry["by"]) == (f"invitation:{invited['invitation_id']}", "")
    assert api("POST", "/v1/accept-invitation", {"code": "wrong", "name": "Ada"}, token=None).status == 404
    assert len(audited(api, action="accept_invitation")) == 1


def test_filters_and_pages(api: Api) -> None:
    for number in range(5):
        api("PUT", f"/v1/projects/default/secrets/s{number}", {"value": "v"})
    api("PUT", "/v1/projects/default/retention", {"days": 5})

    query: dict[str, Any] = {"limit": 2, "action": "put_secret"}
    targets = []
    while True:
        page = api("GET", "/v1/audit", query=query).json
        targets += [one["target"][-2:] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(targets) == ["s0", "s1", "s2", "s3", "s4"]
    other = {"cursor": query["cursor"], "action": "put_retention"}
    assert api("GET", "/v1/audit", query=other).status == 422
    assert [one["action"] for one in audited(api, actor="admin", project="default", action="put_retention")] == [
        "put_retention"
    ]
    assert audited(api, actor="nobody") == audited(api, project="*") == []
    assert api("GET", "/v1/audit", query={"kind": "other"}).status == 422
    assert api("GET", "/v1/audit", query={"since": "yesterday"}).status == 422
    always = api("GET", "/v1/audit", query={"since": "0001-01-01T00:00:00Z", "limit": 5})
    assert always.json["items"] == api("GET", "/v1/audit", query={"limit": 5}).json["items"] != []


def test_entries_of_a_time(api: Api) -> None:
    trail, now = DynamoAuditTrail("access"), api.services.clock().replace(microsecond=0)
    moments = [now - timedelta(hours=hours) for hours in range(4)]
    for number, at in enumerate(moments):
        trail.note(
            AuditEntry(
                organization="default", project="*", at=at, kind=AuditKind.CHANGE, actor="t", token_id="t",
                token_name="n", action=f"a{number}", target="/",
            )
        )  # fmt: skip

    def actions(since: int | None, until: int | None, before: str | None = None, limit: int = 10) -> list[str]:
        wanted = AuditFilter(
            since=None if since is None else moments[since], until=None if until is None else moments[until]
        )
        return [one.action for one in trail.entries("default", limit, before, wanted).items]

    assert actions(None, None) == ["a0", "a1", "a2", "a3"]
    assert actions(2, None) == ["a0", "a1", "a2"]
    assert actions(None, 1) == ["a2", "a3"]
    assert actions(2, 0) == ["a1", "a2"]
    assert actions(1, 1) == []
    first = trail.entries("default", 2, None, AuditFilter(since=moments[2]))
    assert first.after is not None
    assert actions(2, None, first.after) == ["a2"]
    assert actions(1, None, first.after) == []
