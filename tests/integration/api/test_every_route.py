"""What holds for every route: who may call it, and that whatever is sent ends in a problem document."""

import base64
import re
from typing import Any

import pytest

from api.endpoint import ANY_TOKEN, PUBLIC, Endpoint
from api.openapi import document
from api.reading import LARGEST_BODY
from api.routes import ENDPOINTS, GROUPS
from api.scim_protocol import PREFIX, SCIM_JSON
from cadence.domain.access.access import CONTAINED_IN, Permission
from tests.integration.api.calling import HELLO, Answer, Api

PROTECTED = [endpoint for endpoint in ENDPOINTS if endpoint.permission != PUBLIC]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]
# Provisioning services may send parameters that are not known here.
WITH_QUERY = [one for one in ENDPOINTS if one.query is not None and not one.path.startswith(PREFIX)]
OF_A_RUN = [endpoint for endpoint in ENDPOINTS if "{run_id}" in endpoint.path]
OF_A_PROJECT = [endpoint for endpoint in ENDPOINTS if "{project}" in endpoint.path]

PROGRAM = base64.b64encode(b"#! name = p\n\ntreatment main()\n{\n}\n").decode()
BODIES: dict[str, dict[str, Any]] = {
    "validate_document": {"document": HELLO},
    "put_pipeline": {"document": HELLO},
    "read_program": {"content": PROGRAM},
    "put_program": {"content": PROGRAM},
    "start_pipeline": {},
    "start_document": {"document": HELLO},
    "rerun": {"from": "all"},
    "replay": {},
    "put_secret": {"value": "v"},
    "put_organization_secret": {"value": "v"},
    "put_team_secret": {"value": "v", "projects": ["default"]},
    "put_pool_secret": {"value": "v"},
    "put_pool": {"provider": "host"},
    "hold_runner": {"minutes": 5},
    "add_githost": {"kind": "github", "project": "default", "name": "hub"},
    "connect_repository": {"project": "default", "url": "http://127.0.0.1:9/acme/site", "kind": "gitea", "token": "t"},
    "rotate_repository": {},
    "prepare_github_app": {"project": "default", "redirect_url": "http://127.0.0.1:9/callback"},
    "register_github_app": {
        "project": "default",
        "id": "a-" + "0" * 26,
        "code": "c",
        "origin": "http://127.0.0.1:9",
        "public_url": "https://ci.example",
    },
    "rotate_github_app": {},
    "rotate_webhook_secret": {},
    "rotate_access_token": {"access_token": "t"},
    "create_project": {"name": "new"},
    "create_organization": {"name": "new"},
    "rename_organization": {"display_name": "New Ltd"},
    "put_environment": {},
    "put_token_policy": {"longest_days": 90},
    "put_quotas": {},
    "put_retention": {"days": 7},
    "set_hold": {"reason": "case 7"},
    "put_badges": {"public": False},
    "put_storage": {"mebibytes": 100},
    "put_export": {"kind": "loki", "url": "http://127.0.0.1:9/push"},
    "start_backfill": {"since": "2020-01-01T00:00:00Z"},
    "decide": {"decision": "approve"},
    "decide_by_link": {"key": "k", "decision": "approve"},
    "create_token": {"name": "t", "permissions": ["runs:read"]},
    "put_alert_rule": {"rule": {"when": {"run": {}}, "channels": ["ops"]}},
    "try_alert_rule": {"project": "default", "rule": {"when": {"run": {}}, "channels": ["ops"]}},
    "add_silence": {"project": "default", "ends_at": "2100-01-01T00:00:00Z"},
    "put_channel": {"kind": "sns"},
    "add_member": {"name": "Ada", "email": "ada@example.org"},
    "put_team": {},
    "put_service_account": {},
    "create_service_account_token": {"name": "t"},
    "put_role": {"permissions": ["runs:read"]},
    "put_identity_provider": {"issuer": "https://id.example", "client_id": "cadence"},
    "put_directory": {
        "kind": "ldap",
        "url": "ldaps://ldap.example",
        "bind_dn": "cn=cadence,dc=example",
        "bind_password": "p",
        "user_base": "ou=people,dc=example",
        "group_base": "ou=groups,dc=example",
    },
    "create_grant": {"subject": "team:dev", "role": "viewer", "scope": "organization"},
    "create_invitation": {"email": "ada@example.org"},
    "accept_invitation": {"code": "c", "name": "Ada"},
    "accept_for_team": {"code": "c"},
    "open_session": {"code": "none"},
    "create_scim_user": {"userName": "ada@example.org"},
    "replace_scim_user": {"userName": "ada@example.org"},
    "patch_scim_user": {"Operations": [{"op": "replace", "path": "active", "value": False}]},
    "create_scim_group": {"displayName": "Engineers"},
    "replace_scim_group": {"displayName": "Engineers"},
    "patch_scim_group": {"Operations": [{"op": "add", "path": "members", "value": []}]},
}
QUERIES: dict[str, dict[str, str]] = {
    "trace": {"port": "greet.greeting"},
    "show_link": {"key": "k"},
    "explain_access": {"subject": "team:dev", "permission": "runs:read", "thing": "organization"},
}


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def call(api: Api, endpoint: Endpoint, names: dict[str, str] | None = None, **how: Any) -> Answer:
    path = re.sub(r"\{(\w+)\}", lambda match: (names or {}).get(match[1], "none"), endpoint.path)
    if endpoint.body is not None and "raw" not in how:
        how.setdefault("body", BODIES[endpoint.function.__name__])
    how.setdefault("query", QUERIES.get(endpoint.function.__name__))
    return api(endpoint.method, path, how.pop("body", None), **how)


def assert_problem(answer: Answer, status: int) -> None:
    if answer.headers.get("content-type") == SCIM_JSON:
        assert_scim_error(answer, 400 if status == 422 else status)
        return
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert {"type", "title", "status", "code", "detail"} <= set(problem)
    assert set(problem) <= {
        "type", "title", "status", "code", "detail", "violations", "findings", "details", "retry_after", "id",
    }  # fmt: skip
    assert problem["status"] == status
    assert problem["type"] == f"urn:cadence:problem:{problem['code']}"


def assert_scim_error(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.text
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json["status"] == str(status)
    assert answer.json["detail"]
    assert set(answer.json) <= {"schemas", "status", "detail", "scimType"}


def test_every_route_says_what_it_needs():
    assert all(endpoint.permission in {PUBLIC, ANY_TOKEN, *Permission} for endpoint in ENDPOINTS)
    public = {name(endpoint) for endpoint in ENDPOINTS if endpoint.permission == PUBLIC}
    assert public == {
        "GET /v1/health",
        "GET /v1/openapi.json",
        "GET /v1/schemas/{name}/{version}",
        "GET /v1/schemas/{name}/{kind}/{version}",
        # Whoever has a link's key may use it.
        "GET /v1/approvals/{link}",
        "POST /v1/approvals/{link}",
        # Whoever has an invitation's code may accept it.
        "POST /v1/accept-invitation",
        # Clouds and vaults verify a treatment's identity with them.
        "GET /.well-known/openid-configuration",
        "GET /v1/id-token-keys",
        # Public only where a project declares it; else the query has the badge's token.
        "GET /v1/badges/{organization}/{project}/{pipeline}/badge.svg",
        # How to sign in, before anybody has.
        "GET /v1/sign-in/{organization}",
        # The body holds a one-time code or a token.
        "POST /v1/sessions",
    }
    assert {name(endpoint) for endpoint in ENDPOINTS if endpoint.permission == ANY_TOKEN} == {
        "GET /v1/self",
        "GET /v1/sessions",
        "POST /v1/sessions/codes",
        "DELETE /v1/sessions/{session_id}",
    }


def test_the_resolver_knows_no_other_routes(api, monkeypatch):
    from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver

    from api.application import build

    registered: list[tuple[str, str]] = []
    original = APIGatewayHttpResolver.route

    def recording(self, rule, method, **rest):
        registered.append((method, rule))
        return original(self, rule, method, **rest)

    monkeypatch.setattr(APIGatewayHttpResolver, "route", recording)
    build(ENDPOINTS, api.services, api.services.authenticate, lambda error, body: None)

    declared = {(e.method, e.path.replace("{", "<").replace("}", ">")) for e in ENDPOINTS}
    assert set(registered) == declared


def test_no_route_answers_without_a_token(api):
    for endpoint in PROTECTED:
        for token in (None, "", "cad_x", "cad_" + "0" * 26 + "_" + "x" * 43, api.token[:-1] + "!"):
            how = {"headers": {"authorization": ""}} if token == "" else {}
            answer = call(api, endpoint, token=token or None, **how)
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_no_route_answers_a_token_that_may_do_everything_else(api):
    for permission in {endpoint.permission for endpoint in PROTECTED} - {ANY_TOKEN}:
        enough = {permission, CONTAINED_IN.get(permission)}
        token = api.token_for([str(other) for other in Permission if other not in enough])
        for endpoint in PROTECTED:
            if endpoint.permission == permission:
                answer = call(api, endpoint, token=token)
                assert_problem(answer, 403)
                assert endpoint.path.startswith(PREFIX) or answer.json["details"] == {"permission": permission}


def test_an_expired_token_and_a_revoked_one_are_refused(api):
    import time_machine

    created = api("POST", "/v1/tokens", {"name": "short", "permissions": ["runs:read"], "expires_in": 60}).json
    assert api("GET", "/v1/runs", token=created["token"]).status == 200
    with time_machine.travel("2100-01-01"):
        assert_problem(api("GET", "/v1/runs", token=created["token"]), 401)
    assert api("DELETE", f"/v1/tokens/{created['token_id']}").status == 204
    assert_problem(api("GET", "/v1/runs", token=created["token"]), 401)
    assert_problem(api("DELETE", f"/v1/tokens/{created['token_id']}"), 404)


def test_another_organizations_and_another_projects_runs_do_not_exist(api, other_project, other_organization):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    narrow = api.token_for(["*"], other_project)

    for token in (other_organization, narrow):
        for endpoint in OF_A_RUN:
            names = {"run_id": run_id, "treatment": "greet"}
            seen = call(api, endpoint, names, token=token)
            unknown = call(api, endpoint, {**names, "run_id": "01unknown"}, token=token)
            assert_problem(seen, 404)
            assert seen.text.replace(run_id, "01unknown") == unknown.text
        assert api("GET", "/v1/runs", token=token).json["items"] == []
    assert api("GET", f"/v1/runs/{run_id}").json["state"] == "pending"


def test_another_projects_things_do_not_exist(api, other_project):
    api("PUT", "/v1/projects/default/secrets/s", {"value": "v"})
    api("PUT", "/v1/projects/default/pipelines/hello", {"document": HELLO})
    narrow = api.token_for(["*"], other_project)

    for endpoint in OF_A_PROJECT:
        names = {"project": "default", "pipeline": "hello", "secret": "s"}
        assert_problem(call(api, endpoint, names, token=narrow), 404)
        assert_problem(call(api, endpoint, {**names, "project": "missing"}), 404)
    assert_problem(api("GET", "/v1/runs", query={"project": "default"}, token=narrow), 404)
    assert_problem(api("GET", "/v1/logs", query={"q": "x", "project": "default"}, token=narrow), 404)
    assert [one["name"] for one in api("GET", "/v1/projects", token=narrow).json["items"]] == ["other"]


def test_listings_hold_nothing_of_others(api, other_project, other_organization):
    api("POST", "/v1/githosts", {"kind": "github", "project": "default", "name": "hub"})
    narrow = api.token_for(["*"], other_project)

    for token in (narrow, other_organization):
        assert api("GET", "/v1/githosts", token=token).json["items"] == []
    assert [one["project"] for one in api("GET", "/v1/tokens", token=narrow).json["items"]] == ["other"]
    assert api("GET", "/v1/pools", token=other_organization).json["items"] == []
    admin = api("GET", "/v1/tokens").json["items"][0]["token_id"]
    assert_problem(api("DELETE", f"/v1/tokens/{admin}", token=other_organization), 404)
    assert_problem(api("DELETE", f"/v1/tokens/{admin}", token=narrow), 404)


def test_nobody_hands_on_more_than_they_hold(api, other_project):
    some = api.token_for(["tokens:write", "runs:read"])
    narrow = api.token_for(["*"], other_project)
    body = {"name": "t", "permissions": ["runs:read"]}

    assert api("POST", "/v1/tokens", body, token=some).status == 201
    assert_problem(api("POST", "/v1/tokens", {**body, "permissions": ["*"]}, token=some), 403)
    assert_problem(api("POST", "/v1/tokens", {**body, "permissions": ["runs:start"]}, token=some), 403)
    assert_problem(api("POST", "/v1/tokens", body, token=narrow), 403)
    assert_problem(api("POST", "/v1/tokens", {**body, "project": "default"}, token=narrow), 404)
    assert_problem(api("POST", "/v1/projects", {"name": "new"}, token=narrow), 403)
    assert_problem(api("PUT", "/v1/pools/new", {"provider": "host"}, token=narrow), 403)


@pytest.mark.parametrize(
    ("raw", "headers", "base64_body", "status"),
    [
        ("", {}, False, 400),
        ("{", {}, False, 400),
        ("{} {}", {}, False, 400),
        ('{"a": NaN}', {}, False, 400),
        ('{"a": ' + "9" * 5000 + "}", {}, False, 400),
        ("[" * 100_000, {}, False, 400),
        (b"\xff\xfe", {}, True, 400),
        ("not base64!", {}, True, 400),
        ("\ud800", {}, False, 400),
        ("null", {}, False, 422),
        ("[]", {}, False, 422),
        ('"text"', {}, False, 422),
        ('{"surprising": 1}', {}, False, 422),
        ("{}", {"content-type": "multipart/form-data"}, False, 415),
        ("{}", {"content-type": "text/plain"}, False, 415),
        ("{}", {"content-type": "application/x-www-form-urlencoded"}, False, 415),
        (" " * (LARGEST_BODY + 1), {}, False, 413),
    ],
)
def test_no_body_leads_to_an_error_of_ours(api, raw, headers, base64_body, status):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    names = {"project": "default", "pipeline": "hello", "secret": "s", "pool": "p", "run_id": run_id}
    api("PUT", "/v1/projects/default/pipelines/hello", {"document": HELLO})
    sent = {"content-type": "application/json", **headers}
    for endpoint in WITH_BODY:
        if headers.get("content-type") not in endpoint.also_text:
            assert_problem(call(api, endpoint, names, raw=raw, headers=sent, base64_body=base64_body), status)


@pytest.mark.parametrize(
    "query",
    ["limit=1&limit=2", "unknown=1", "limit=abc", "limit=-1", "limit=" + "9" * 5000, "wait=1e400", "wait=nan"],
)
def test_no_query_leads_to_an_error_of_ours(api, query):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    for endpoint in WITH_QUERY:
        names = {"project": "default", "pipeline": "hello", "run_id": run_id}
        assert_problem(call(api, endpoint, names, query=query), 422)


def test_a_query_that_is_no_text_is_refused(api):
    for query in ("a=%ff", "&".join(f"a{n}=1" for n in range(60))):
        assert_problem(api("GET", "/v1/runs", query=query), 400)


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/runs/", "/v1", "/", "/v1/runs/a/b/c", "/v1/ru\x00ns", '/v1/runs/"']
)
def test_unknown_addresses(api, path):
    assert_problem(api("GET", path), 404)


@pytest.mark.parametrize("odd", ["\x00", "é", "..", "%2e%2e", " ", "a" * 5000, "#", "'", "\ud800"])
def test_odd_names_do_not_exist(api, odd):
    for endpoint in ENDPOINTS:
        if endpoint.parameters and endpoint.method != "PUT":
            answer = call(api, endpoint, dict.fromkeys(endpoint.parameters, odd))
            assert_problem(answer, 404)


@pytest.mark.parametrize("odd", ["\x00", "é", " ", "a" * 5000, "0", "UPPER CASE"])
def test_odd_names_cannot_be_given(api, odd):
    for path, body in (
        ("/v1/projects/default/secrets/", {"value": "v"}),
        ("/v1/pools/", {"provider": "host"}),
        ("/v1/exports/", {"kind": "loki", "url": "http://127.0.0.1:9/push"}),
        ("/v1/projects/default/environments/", {}),
        ("/v1/projects/default/pipelines/", {"document": HELLO}),
    ):
        assert api("PUT", path + odd, body).status in {404, 422}


def test_a_wrong_method_is_told_which_are_right(api):
    answer = api("PATCH", "/v1/projects/default/secrets/s")

    assert_problem(answer, 405)
    assert answer.headers["allow"] == "DELETE, PUT"


def test_every_kind_of_answer_is_described():
    described = document(GROUPS)["paths"]
    for endpoint in ENDPOINTS:
        responses = described[endpoint.path][endpoint.method.lower()]["responses"]
        assert {str(status) for status in endpoint.answers} <= set(responses)
        assert endpoint.permission == PUBLIC or {"401", "403"} <= set(responses)


def test_a_secrets_value_is_in_no_answer(api):
    value = "correct horse battery staple"
    path = "/v1/projects/default/secrets/s"
    export = {
        "kind": "loki",
        "url": "http://127.0.0.1:9/push",
        "credentials": {"scheme": "bearer", "secret": value},
    }
    answers = [
        api("PUT", path, {"value": value}),
        api("PUT", path, {"value": value, "extra": value}),
        api("PUT", path, {"value": [value]}),
        api("PUT", path, {"value": value * 10_000}),
        api("PUT", path, raw='{"value": "' + value, headers={"content-type": "application/json"}),
        api("GET", "/v1/projects/default/secrets"),
        api("POST", "/v1/githosts", {"kind": "github", "project": "default", "name": "h", "webhook_secret": value}),
        api("POST", "/v1/githosts", {"kind": "x", "project": "default", "name": "h", "webhook_secret": value}),
        api("GET", "/v1/githosts"),
        api("PUT", "/v1/exports/e", export),
        api("PUT", "/v1/exports/e", {**export, "extra": value}),
        api("GET", "/v1/exports/e"),
        api("GET", "/v1/exports"),
    ]

    assert [answer.status for answer in answers] == [200, 422, 422, 413, 400, 200, 201, 422, 200, 201, 422, 200, 200]
    assert not [answer.text for answer in answers if "horse" in answer.text]


def test_metrics_are_those_of_the_token(api, other_organization):
    api("POST", "/v1/projects/default/runs", {"document": HELLO})

    mine = api("GET", "/metrics")
    assert mine.headers["content-type"].startswith("application/openmetrics-text")
    assert 'cadence_active_runs{project="default"} 1' in mine.text
    assert mine.text.endswith("# EOF\n")
    assert 'cadence_active_runs{project="default"} 0' in api("GET", "/metrics", token=other_organization).text


def test_schemas_are_published(api):
    assert api("GET", "/v1/schemas/pipeline/1", token=None).json["$schema"].startswith("https://json-schema.org")
    assert api("GET", "/v1/schemas/pipeline/1.json", token=None).status == 200
    for path in ("/v1/schemas/pipeline/1", "/v1/schemas/pool-settings/host/1"):
        assert api("GET", path, token=None).json["$id"] == f"https://api.example{path}"
    assert_problem(api("GET", "/v1/schemas/pipeline/99", token=None), 404)
    assert api("GET", "/v1/health", token=None).json["status"] == "ok"
