"""Sessions of browsers: one-time codes, the two halves, and that a session ends with its token."""

from typing import Any

import pytest
import time_machine

from tests.integration.api.calling import Answer, Api


def code(api: Api, token: str = "") -> str:
    answer = api("POST", "/v1/sessions/codes", token=token)
    assert answer.status == 201, answer.text
    return str(answer.json["code"])


def opened(api: Api, **body: Any) -> Answer:
    answer = api("POST", "/v1/sessions", body or {"code": code(api)}, token=None)
    assert answer.status == 201, answer.text
    return answer


def halves(answer: Answer) -> dict[str, str]:
    return {
        "cookie": f"other=1; {answer.headers['set-cookie'].partition(';')[0]}",
        "cadence-session": answer.json["session"],
    }


def test_a_code_opens_one_session_that_acts_as_the_token(api):
    text = code(api)
    answer = opened(api, code=text)

    assert answer.json["permissions"] == ["*"]
    for attribute in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/v1"):
        assert attribute in answer.headers["set-cookie"]
    assert answer.json["session"] not in answer.headers["set-cookie"]
    assert api("GET", "/v1/runs", token=None, headers=halves(answer)).status == 200
    again = api("POST", "/v1/sessions", {"code": text}, token=None)
    assert (again.status, again.json["code"]) == (401, "unauthenticated")


def test_a_code_lasts_a_minute(api):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        text = code(api)
        clock.shift(60)
        assert api("POST", "/v1/sessions", {"code": text}, token=None).status == 401


@pytest.mark.parametrize("without", ["cookie", "cadence-session"])
def test_both_halves_are_needed(api, without):
    sent = halves(opened(api))
    del sent[without]

    assert api("GET", "/v1/runs", token=None, headers=sent).status == 401


def test_halves_of_two_sessions_do_not_match(api):
    first, second = halves(opened(api)), halves(opened(api))

    assert api("GET", "/v1/runs", token=None, headers={**first, "cookie": second["cookie"]}).status == 401


@pytest.mark.parametrize("cookie", ["x", "..", "a.b.c", "cad.x", '"', "=;=", "\x00"])
def test_odd_cookies_are_refused(api, cookie):
    sent = {"cookie": f"cadence_session={cookie}", "cadence-session": "x"}

    assert api("GET", "/v1/runs", token=None, headers=sent).status == 401


def test_cookies_are_read_from_the_events_own_list(api):
    from tests.integration.api.calling import event

    sent = halves(opened(api))
    request = event("GET", "/v1/runs", headers={"cadence-session": sent["cadence-session"]})

    assert api.handler({**request, "cookies": sent["cookie"].split("; ")}, None)["statusCode"] == 200


def test_a_session_has_the_permissions_of_its_token(api):
    token = api.token_for(["runs:read"])
    sent = halves(opened(api, token=token))

    assert api("GET", "/v1/runs", token=None, headers=sent).status == 200
    refused = api("GET", "/v1/pools", token=None, headers=sent)
    assert (refused.status, refused.json["details"]) == (403, {"permission": "pools:read"})


def test_a_session_ends_with_its_token(api):
    created = api("POST", "/v1/tokens", {"name": "mine", "permissions": ["runs:read"]}).json
    sent = halves(opened(api, token=created["token"]))

    assert api("DELETE", f"/v1/tokens/{created['token_id']}").status == 204
    assert api("GET", "/v1/runs", token=None, headers=sent).status == 401


def test_a_session_expires_with_its_token(api):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        created = api("POST", "/v1/tokens", {"name": "mine", "permissions": ["runs:read"], "expires_in": 60}).json
        sent = halves(opened(api, token=created["token"]))
        assert api("GET", "/v1/runs", token=None, headers=sent).status == 200
        clock.shift(60)
        assert api("GET", "/v1/runs", token=None, headers=sent).status == 401


def test_sessions_are_listed_and_closed_by_their_token_only(api):
    answer = opened(api)
    sent, session_id = halves(answer), answer.json["session_id"]

    assert [one["session_id"] for one in api("GET", "/v1/sessions").json["items"]] == [session_id]
    other = api.token_for(["*"])
    assert api("GET", "/v1/sessions", token=other).json["items"] == []
    assert api("DELETE", f"/v1/sessions/{session_id}", token=other).status == 404
    closed = api("DELETE", f"/v1/sessions/{session_id}", token=None, headers=sent)
    assert closed.status == 204
    assert "Max-Age=0" in closed.headers["set-cookie"]
    assert closed.headers["clear-site-data"] == '"cache"'
    assert api("GET", "/v1/runs", token=None, headers=sent).status == 401


@pytest.mark.parametrize("body", [{}, {"code": "a", "token": "b"}])
def test_either_a_code_or_a_token_is_sent(api, body):
    assert api("POST", "/v1/sessions", body, token=None).status == 422


def test_a_run_s_own_token_opens_no_session(api):
    from cadence.application.access.authenticate import issue_token

    services = api.services
    token, text = issue_token("default", "default", "engine", frozenset({"runs:read"}), "test", services.clock())
    from dataclasses import replace

    services.access.put_run_token(replace(token, run="01hx"))

    assert api("POST", "/v1/sessions", {"token": text}, token=None).status == 403
    assert api("POST", "/v1/sessions/codes", token=text).status == 403


def test_sign_ins_are_in_the_audit_log(api):
    opened(api)

    assert "open_session" in {entry["action"] for entry in api("GET", "/v1/audit").json["items"]}
