"""Sessions, invitations and identity providers refuse an attacker's address after too many failures."""

import pytest
import time_machine

from cadence.composition.access.sign_in import sign_in
from cadence.domain.access.access import format_token, parse_token
from cadence.domain.shared.errors import QuotaExceeded, Unauthenticated
from tests.integration.api.calling import Api
from tests.permissions import within_the_role_of

OFFICE, ATTACKER = "198.51.100.7", "203.0.113.9"


def statuses(api: Api, path: str, body: dict[str, str], source: str, times: int = 1) -> list[int]:
    return [api("POST", path, body, token=None, source=source).status for _ in range(times)]


def test_guesses_of_a_token_are_locked_out_for_a_quarter_of_an_hour_and_its_owner_is_not(api: Api) -> None:
    token_id, _ = parse_token(api.token) or ("", "")
    guess, right = {"token": format_token(token_id, "A" * 43)}, {"token": api.token}
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        assert statuses(api, "/v1/sessions", guess, ATTACKER, 12) == [401] * 10 + [429] * 2
        assert statuses(api, "/v1/sessions", right, ATTACKER) == [429]
        assert statuses(api, "/v1/sessions", right, OFFICE) == [201]
        clock.shift(15 * 60)
        assert statuses(api, "/v1/sessions", right, ATTACKER) == [201]


def test_a_code_and_an_invitation_that_are_wrong_are_limited(api: Api) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        assert statuses(api, "/v1/sessions", {"code": "wrong"}, ATTACKER, 11)[-2:] == [401, 429]
        invitation = api("POST", "/v1/invitations", {"email": "ada@example.org"}).json
        right = {"code": invitation["code"], "name": "Ada"}
        guess = {**right, "code": invitation["code"][:-43] + "A" * 43}
        assert statuses(api, "/v1/accept-invitation", guess, ATTACKER, 11)[-2:] == [404, 429]
        assert statuses(api, "/v1/accept-invitation", right, ATTACKER) == [429]
        assert statuses(api, "/v1/accept-invitation", right, OFFICE) == [201]


def test_identity_tokens_that_are_refused_are_limited_within_the_role_of_the_lambda(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = api("PUT", "/v1/identity-providers/corp", {"issuer": "http://127.0.0.1:1", "client_id": "c"})
    assert stored.status == 200, stored.text
    way = sign_in()
    with time_machine.travel(1_800_000_000, tick=False), within_the_role_of("sign_in", monkeypatch):
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                way.sign_in("default", "corp", "no token", None, ATTACKER)
        with pytest.raises(QuotaExceeded, match="Try again in 15 minutes"):
            way.sign_in("default", "corp", "no token", None, ATTACKER)
        with pytest.raises(Unauthenticated):
            way.sign_in("default", "corp", "no token", None, OFFICE)
    refusals = [one for one in api("GET", "/v1/audit").json["items"] if one["action"] == "sign_in"]
    assert {(one["actor"], one["kind"], one["outcome"]) for one in refusals} == {
        ("identity-provider:corp", "refusal", "unauthenticated")
    }
    assert sorted(one["source"] for one in refusals) == [OFFICE, ATTACKER]
