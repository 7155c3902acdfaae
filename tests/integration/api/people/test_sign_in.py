"""Signing in with tokens of an identity provider, whose keys are served on loopback."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.application.access.sign_in import SignIn
from cadence.composition.access.sign_in import sign_in
from cadence.domain.access.people import Member
from cadence.domain.shared.errors import Forbidden, NotFound, Unauthenticated
from tests.integration.api.calling import Api
from tests.integration.api.people.issuer import CLIENT, Issuer


@pytest.fixture
def way(api: Api, issuer: Issuer) -> SignIn:
    issuer.published = ["one"]
    stored = api("PUT", "/v1/identity-providers/corp", {"issuer": issuer.url, "client_id": CLIENT})
    assert stored.status == 200, stored.text
    return sign_in()


def add(api: Api, email: str = "ada@example.org") -> str:
    return str(api("POST", "/v1/members", {"name": "Ada", "email": email}).json["member_id"])


def test_a_member_signs_in_by_a_verified_address_and_later_by_its_identity(api, issuer, way):
    member_id = add(api)
    api("PUT", "/v1/teams/dev", {"group": "engineers"})
    api("PUT", "/v1/teams/ops", {"group": "operators"})
    api("PUT", "/v1/teams/own", {})
    for team in ("ops", "own"):
        api("PUT", f"/v1/teams/{team}/members/{member_id}")
    api("POST", "/v1/grants", {"subject": "team:dev", "role": "viewer", "scope": "organization"})

    signed_in = way.sign_in("default", "corp", issuer.token(), None)

    assert signed_in.member.member_id == member_id
    # Teams with a group follow the provider, other teams stay as they are.
    assert api("GET", f"/v1/members/{member_id}").json["teams"] == ["dev", "own"]
    itself = api("GET", "/v1/self", token=signed_in.token).json
    assert itself["subject"] == f"member:{member_id}"
    assert api("GET", "/v1/runs", token=signed_in.token).status == 200
    assert api("GET", "/v1/audit").json["items"][0]["action"] == "sign_in"

    moved = issuer.token(email="ada@elsewhere.example", groups=[])
    assert way.sign_in("default", "corp", moved, None).member.member_id == member_id
    assert api("GET", "/v1/runs", token=signed_in.token).status == 403
    # Another person with the address cannot take the member over.
    with pytest.raises(Forbidden):
        way.sign_in("default", "corp", issuer.token(sub="u2"), None)

    assert api("DELETE", f"/v1/members/{member_id}").status == 204
    assert api("GET", "/v1/self", token=signed_in.token).status == 401
    with pytest.raises(Forbidden):
        way.sign_in("default", "corp", issuer.token(jti="again"), None)


@pytest.mark.parametrize(
    ("claims", "nonce"),
    [
        ({"aud": "other"}, None),
        ({"aud": [CLIENT, "other"]}, None),
        ({"azp": "other"}, None),
        ({"iss": "https://elsewhere.example"}, None),
        ({"exp": 1_000_000_000}, None),
        ({"iat": 1_000_000_000}, None),
        ({"exp": None}, None),
        ({"sub": ""}, None),
        ({"nonce": "mine"}, "other"),
        ({"nonce": "mine"}, None),
        ({}, "mine"),
    ],
    ids=[
        "audience", "two audiences", "authorized party", "issuer", "expired", "old", "no end", "no subject",
        "another nonce", "unexpected nonce", "no nonce",
    ],
)  # fmt: skip
def test_tokens_that_are_not_for_this_sign_in(api, issuer, way, claims, nonce):
    add(api)
    with pytest.raises(Unauthenticated):
        way.sign_in("default", "corp", issuer.token(**claims), nonce)


def test_a_token_is_used_once_and_carries_its_nonce(api, issuer, way):
    add(api)
    token = issuer.token(nonce="n")
    assert way.sign_in("default", "corp", token, "n").token.startswith("cad_")
    for used in (token, f"{token}=="):  # another way to write the same signature
        with pytest.raises(Unauthenticated, match="used before"):
            way.sign_in("default", "corp", used, "n")


def test_keys_that_were_not_published_are_refused_and_rotated_keys_are_taken(api, issuer, way):
    add(api)
    with pytest.raises(Unauthenticated):
        way.sign_in("default", "corp", issuer.token("two"), None)
    issuer.published = ["one", "two"]
    assert sign_in().sign_in("default", "corp", issuer.token("two"), None).token


def test_who_may_become_a_member(api, issuer, way):
    add(api)
    with pytest.raises(Forbidden, match="no address"):
        way.sign_in("default", "corp", issuer.token(email_verified=False), None)
    with pytest.raises(Forbidden, match="Ask for an invitation"):
        way.sign_in("default", "corp", issuer.token(email="eve@example.org"), None)
    with pytest.raises(NotFound):
        way.sign_in("default", "none", issuer.token(), None)
    with pytest.raises(NotFound):
        way.sign_in("rival", "corp", issuer.token(), None)

    api("PUT", "/v1/identity-providers/corp", {"issuer": issuer.url, "client_id": CLIENT, "open_to_all": True})
    new = way.sign_in("default", "corp", issuer.token(sub="u3", email="eve@example.org", name="Eve"), None)
    assert new.member.name == "Eve"
    assert api("GET", "/v1/runs", token=new.token).status == 403


def test_two_first_sign_ins_at_once_make_one_member(api, issuer, way):
    provider = {"issuer": issuer.url, "client_id": CLIENT, "open_to_all": True}
    assert api("PUT", "/v1/identity-providers/corp", provider).status == 200
    others: list[str] = []

    class Crossed(DynamoPeopleStore):
        """Lets another request of the same person pass between what this one reads and what it writes."""

        def list_members(self, organization: str) -> Sequence[Member]:
            found = super().list_members(organization)
            others.append(way.sign_in("default", "corp", issuer.token(jti="other"), None).member.member_id)
            return found

    crossed = replace(way, people=Crossed("access"))
    member = crossed.sign_in("default", "corp", issuer.token(jti="this"), None).member
    assert others == [member.member_id]
    assert [one["member_id"] for one in api("GET", "/v1/members").json["items"]] == others


def test_only_an_admin_decides_who_identifies_members(api, issuer, way):
    token = api.token_for(["members:write", "members:read", "teams:write", "runs:read"])
    body = {"issuer": issuer.url, "client_id": CLIENT}
    assert api("PUT", "/v1/identity-providers/mine", body, token=token).status == 403
    api("PUT", "/v1/teams/admins", {})
    api("POST", "/v1/grants", {"subject": "team:admins", "role": "admin", "scope": "organization"})
    assert api("PUT", "/v1/teams/admins", {"group": "everyone"}, token=token).status == 403
    assert api("GET", "/v1/sign-in/default", token=None).json["items"][0]["issuer"] == issuer.url
    assert api("GET", "/v1/sign-in/none", token=None).json["items"] == []
    assert api("DELETE", "/v1/identity-providers/corp").status == 204
    assert api("GET", "/v1/identity-providers").json["items"] == []


def test_the_lambda_answers_with_a_token_or_a_problem(api, issuer, way):
    from sign_in.handler import handler

    add(api)

    def post(body: Any) -> tuple[int, dict[str, Any]]:
        response = handler({"body": json.dumps(body), "requestContext": {"http": {"method": "POST"}}}, None)
        return response["statusCode"], json.loads(response["body"])

    request = {"organization": "default", "provider": "corp", "id_token": issuer.token()}
    status, answer = post(request)
    assert (status, answer["name"]) == (201, "Ada")
    assert post(request)[0] == 401
    assert post({"organization": "default"})[0] == 422
