"""Exports by the API: who sees which, what is refused, and what becomes of credentials."""

import json

import pytest

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.domain.exports.event import Audience, EventKind
from tests.integration.api.calling import HELLO
from tests.integration.exports.receiver import receiving

LOKI = {"kind": "loki", "url": "http://127.0.0.1:9/push"}
SECRET = {"scheme": "bearer", "secret": "hunter2"}


def messages():
    queue = aws_clients.client("sqs").get_queue_url(QueueName="exporting")["QueueUrl"]
    found = aws_clients.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in found]


def test_an_export_is_made_changed_and_deleted(api):
    made = api("PUT", "/v1/exports/logs", {**LOKI, "credentials": SECRET, "labels": {"cluster": "eu"}})
    assert made.status == 201
    assert made.json["signals"] == ["logs"] and made.json["projects"] == ["*"]
    assert made.json["credentials"] == {"scheme": "bearer"}
    changed = api("PUT", "/v1/exports/logs", {**LOKI, "enabled": False})
    assert changed.status == 200
    assert changed.json["credentials"] == {"scheme": "bearer"}  # kept
    assert changed.json["created_at"] == made.json["created_at"]
    assert [one["name"] for one in api("GET", "/v1/exports").json["items"]] == ["logs"]
    assert api("DELETE", "/v1/exports/logs").status == 204
    assert api("GET", "/v1/exports/logs").status == 404


def test_lines_are_not_read_by_way_of_exports(api):
    token = api.token_for(["exports:read", "exports:write"])
    loki, metrics = api("PUT", "/v1/exports/logs", LOKI, token=token), {"kind": "otlp", "url": LOKI["url"]}
    assert (loki.status, loki.json["details"]) == (403, {"permission": "logs:read"})
    assert api("PUT", "/v1/exports/all", metrics, token=token).status == 403
    assert api("PUT", "/v1/exports/some", {**metrics, "signals": ["metrics"]}, token=token).status == 201

    assert api("PUT", "/v1/exports/logs", LOKI).status == 201
    backfill = api("POST", "/v1/exports/logs/backfills", {"since": "2020-01-01T00:00:00Z"}, token=token)
    assert (backfill.status, backfill.json["details"]) == (403, {"permission": "logs:read"})


def test_credentials_do_not_follow_to_another_place(api):
    api("PUT", "/v1/exports/logs", {**LOKI, "credentials": SECRET})
    for elsewhere in ({"url": "http://127.0.0.1:10/push"}, {"url": "https://evil.example/push"}):
        refused = api("PUT", "/v1/exports/logs", {**LOKI, **elsewhere})
        assert refused.status == 422
        assert refused.json["violations"][0]["pointer"] == "/credentials"
    assert api("PUT", "/v1/exports/logs", {**LOKI, "url": "http://127.0.0.1:9/other"}).status == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**LOKI, "signals": ["metrics"]}, "/signals"),
        ({**LOKI, "headers": {"Authorization": "x"}}, "/headers/Authorization"),
        ({**LOKI, "headers": {"X-Odd": "a\r\nb"}}, "/headers/X-Odd"),
        ({**LOKI, "credentials": {"scheme": "api_key", "secret": "x"}}, "/credentials/scheme"),
        ({**LOKI, "url": "gopher://a"}, "/url"),
        ({**LOKI, "url": "http://user:pass@127.0.0.1/"}, "/url"),
    ],
)
def test_what_is_refused(api, body, pointer):
    answer = api("PUT", "/v1/exports/logs", body)
    assert answer.status == 422
    assert answer.json["violations"][0]["pointer"] == pointer


def test_the_network_of_the_installation_is_out_of_reach(api, settings, monkeypatch):
    from dataclasses import replace

    from api.application import build
    from api.routes import ENDPOINTS
    from cadence.composition.api import services

    monkeypatch.setenv("CADENCE_OUTBOUND_HOSTS", "loki.internal:3100")
    its = services()
    narrow = replace(api, handler=build(ENDPOINTS, its, its.authenticate, lambda error, body: None), services=its)
    for url in ("https://169.254.169.254/", "https://127.0.0.1/", "http://10.0.0.1/", "http://metadata.internal/"):
        refused = narrow("PUT", "/v1/exports/logs", {**LOKI, "url": url})
        assert (refused.status, refused.json["violations"][0]["pointer"]) == (422, "/url")
    assert narrow("PUT", "/v1/exports/logs", {**LOKI, "url": "http://loki.internal:3100/push"}).status == 201


def test_a_token_of_one_project_has_exports_of_its_own(api, other_project, other_organization):
    api("PUT", "/v1/exports/all", LOKI)
    narrow = api.token_for(["*"], other_project)
    assert api("PUT", "/v1/exports/mine", LOKI, token=narrow).json["projects"] == [other_project]
    assert api("PUT", "/v1/exports/more", {**LOKI, "projects": ["default"]}, token=narrow).status == 403
    assert api("PUT", "/v1/exports/more", {**LOKI, "projects": ["*"]}, token=narrow).status == 403
    assert api("PUT", "/v1/exports/all", LOKI, token=narrow).status == 409
    assert [one["name"] for one in api("GET", "/v1/exports", token=narrow).json["items"]] == ["mine"]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/redrive"), ("GET", "/backfills")):
        for token in (narrow, other_organization):
            assert api(method, f"/v1/exports/all{path}", token=token).status == 404
    assert api("GET", "/v1/exports", token=other_organization).json["items"] == []
    assert {one["name"] for one in api("GET", "/v1/exports").json["items"]} == {"all", "mine"}


def test_lines_are_told_of_only_while_somebody_wants_them(api):
    wanted = DynamoSubscriptionStore("access").get_subscriptions
    assert EventKind.SEGMENT not in wanted("default")[Audience.EXPORTING]
    api("PUT", "/v1/exports/logs", LOKI)
    assert EventKind.SEGMENT in wanted("default")[Audience.EXPORTING]
    api("PUT", "/v1/exports/logs", {**LOKI, "enabled": False})
    assert EventKind.SEGMENT not in wanted("default")[Audience.EXPORTING]


def test_metrics_are_pushed_as_soon_as_an_export_is_set_up(api):
    api("PUT", "/v1/exports/logs", LOKI)
    assert messages() == []
    api("PUT", "/v1/exports/prom", {"kind": "prometheus_remote_write", "url": "http://127.0.0.1:9/write"})
    (message,) = messages()
    assert (message["work"], message["export"]) == ("push", "prom")


def test_a_test_tells_what_the_receiver_answers(api):
    with receiving() as receiver:
        api("PUT", "/v1/exports/logs", {"kind": "loki", "url": f"{receiver.url}/push", "credentials": SECRET})
        tried = api("POST", "/v1/exports/logs/test").json
        assert tried == {"ok": True, "answers": {"logs": "accepted"}}
        assert receiver.got[0].headers["authorization"] == "Bearer hunter2"
        receiver.refuse = (401, {}, "no such user")
        tried = api("POST", "/v1/exports/logs/test").json
        assert tried == {"ok": False, "answers": {"logs": "logs answered 401: no such user"}}


def test_a_backfill_is_asked_for(api):
    api("PUT", "/v1/exports/logs", LOKI)
    asked = api("POST", "/v1/exports/logs/backfills", {"since": "2020-01-01T00:00:00Z"})
    assert asked.status == 422
    for wrong in ("yesterday", "0001-01-01T00:00:00+01:00"):
        refused = api("POST", "/v1/exports/logs/backfills", {"since": wrong}).json
        assert refused["violations"][0]["pointer"] == "/since"
    since = api.services.clock().isoformat().replace("+00:00", "Z")
    now = api("POST", "/v1/exports/logs/backfills", {"since": since})
    assert now.status == 202
    assert [one["state"] for one in api("GET", "/v1/exports/logs/backfills").json["items"]] == ["running"]
    assert messages()[0]["backfill"] == now.json["backfill_id"]


def test_the_cost_of_a_run_that_has_not_ended_is_nothing_yet(api):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    assert api("GET", f"/v1/runs/{run_id}/cost").json == {"run_id": run_id, "totals": [], "treatments": []}


def test_a_pool_has_a_price(api):
    priced = api("PUT", "/v1/pools/local", {"provider": "host", "price": {"per_hour": 0.5, "currency": "EUR"}})
    assert priced.json["price"] == {"per_hour": 0.5, "currency": "EUR"}
    assert api.services.access.get_pool("default", "local").price.currency == "EUR"
    for wrong in ({"per_hour": -1}, {"per_hour": 1, "currency": "euro"}):
        assert api("PUT", "/v1/pools/local", {"provider": "host", "price": wrong}).status == 422
