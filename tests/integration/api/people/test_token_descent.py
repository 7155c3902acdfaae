"""Tokens end with those that they were created with, and so do approval links."""

import re
import zlib
from datetime import datetime

import pytest

from cadence.domain.access.access import format_token, parse_token
from cadence.domain.shared.errors import Unauthenticated
from tests.integration.api.calling import Api


def create(api: Api, by: str, **more: object) -> dict[str, str]:
    body = {"name": "t", "permissions": ["tokens:write", "tokens:read", "runs:read"], **more}
    created = api("POST", "/v1/tokens", body, token=by)
    assert created.status == 201, created.text
    made: dict[str, str] = created.json
    return made


def works(api: Api, token: str) -> bool:
    status = api("GET", "/v1/runs", token=token).status
    assert status in {200, 401}
    return status == 200


def test_a_revoked_token_takes_along_all_that_descend_from_it_and_no_other(api: Api) -> None:
    parent = create(api, api.token)
    child = create(api, parent["token"])
    grandchild, sibling = create(api, child["token"]), create(api, api.token)
    assert grandchild["made_with"] == child["token_id"]
    assert api("DELETE", f"/v1/tokens/{parent['token_id']}").status == 204
    assert [works(api, one["token"]) for one in (parent, child, grandchild, sibling)] == [False, False, False, True]
    listed = {one["token_id"] for one in api("GET", "/v1/tokens").json["items"]}
    assert listed & {one["token_id"] for one in (parent, child, grandchild)} == set()


def test_a_token_lives_no_longer_than_its_maker(api: Api) -> None:
    parent = create(api, api.token, expires_in=3_600)
    ends = datetime.fromisoformat(parent["expires_at"])
    for wanted in (None, 3_600_000):
        child = create(api, parent["token"], expires_in=wanted)
        assert datetime.fromisoformat(child["expires_at"]) == ends
    assert datetime.fromisoformat(create(api, parent["token"], expires_in=60)["expires_at"]) < ends


def test_what_a_token_makes_while_it_is_revoked_ends_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = create(api, api.token)
    services, by = api.services, api.services.authenticate.authenticate(f"Bearer {parent['token']}")
    store, adding = type(services.access), services.access.add_token
    made = list[str]()

    def revoked_meanwhile(itself: object, token: object) -> None:
        services.revoke_token.revoke(services.access.get_token(parent["token_id"]))
        adding(token)
        made.append(token.token_id)  # type: ignore[attr-defined]

    monkeypatch.setattr(store, "add_token", revoked_meanwhile)
    with pytest.raises(Unauthenticated):
        services.create_token.create(by, "late", "*", frozenset({"runs:read"}), None)
    assert made
    assert made[0] not in {one["token_id"] for one in api("GET", "/v1/tokens").json["items"]}


def test_a_scanner_recognises_a_token_by_its_checksum() -> None:
    text = format_token("0" * 26, "s" * 43)
    assert re.fullmatch(r"cad_[0-9a-z]{26}_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}", text)
    assert parse_token(text) == ("0" * 26, "s" * 43)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    value = 0
    for digit in text[-6:]:
        value = value * 62 + digits.index(digit)
    assert value == zlib.crc32(text[:-6].encode())
    assert parse_token(text[:-1] + ("0" if text[-1] != "0" else "1")) is None
    assert parse_token("cad_" + "1" + text[5:]) is None


def test_the_last_use_of_each_token_is_listed(api: Api) -> None:
    used, unused = create(api, api.token), create(api, api.token)
    assert works(api, used["token"])
    wrong = used["token"].replace("_", "x", 1)
    assert not works(api, wrong)
    listed = {one["token_id"]: one["last_used_at"] for one in api("GET", "/v1/tokens").json["items"]}
    assert listed[used["token_id"]] and datetime.fromisoformat(listed[used["token_id"]])
    assert listed[unused["token_id"]] is None
