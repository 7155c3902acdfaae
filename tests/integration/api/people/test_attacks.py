"""Attacks on sign-in and access that no other test tries; docs/security-review.md names the test of each."""

import ast
from pathlib import Path

import pytest

from api.endpoint import Endpoint
from api.routes import ENDPOINTS
from api.scim_protocol import PREFIX
from tests.integration.api.calling import Api
from tests.integration.api.people.test_sessions import code, halves
from tests.integration.api.test_every_route import BODIES, QUERIES

FUNCTIONS = Path(__file__).resolve().parents[4] / "functions"
# What a caller would like to choose, and the server knows by itself.
OWNERSHIP = ("organization", "subject", "created_by", "token_id", "made_with", "member_id", "identity")
WITH_BODY = [one for one in ENDPOINTS if one.body is not None and not one.path.startswith(PREFIX)]
# Hashes of secrets, by the ends of their names.
HASHES = ("secret_sha256", "one_time_hash", "session_hash", "token_hash", "secret_hash", "key_sha256")


def _path(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{project}", "default")


def test_no_body_names_an_owner(api: Api) -> None:
    """Mass assignment: what a body does not declare is refused, whatever else is right about it."""
    accepted = []
    for endpoint in WITH_BODY:
        body = BODIES[endpoint.function.__name__]
        declared = set(endpoint.body.model_fields) if endpoint.body is not None else set()
        chosen = dict.fromkeys(sorted(set(OWNERSHIP) - declared), "rival")
        query = QUERIES.get(endpoint.function.__name__)
        answer = api(endpoint.method, _path(endpoint), {**body, **chosen}, query=query)
        if answer.status < 400 or (answer.status == 422 and not all(member in answer.text for member in chosen)):
            accepted.append((endpoint.method, endpoint.path, answer.text))
    assert accepted == []


def test_a_session_that_was_there_before_the_sign_in_is_not_taken_over(api: Api) -> None:
    """Session fixation: a cookie that an attacker has planted gets nothing of the sign-in that follows."""
    planted = halves(api("POST", "/v1/sessions", {"code": code(api)}, token=None))
    victim = api.token_for(["runs:read"])
    opened = api("POST", "/v1/sessions", {"code": code(api, victim)}, token=None, headers=planted)
    assert opened.status == 201
    own = halves(opened)
    assert own["cookie"] != planted["cookie"]
    assert own["cadence-session"] != planted["cadence-session"]
    mixed = {"cookie": planted["cookie"], "cadence-session": own["cadence-session"]}
    assert api("GET", "/v1/runs", token=None, headers=mixed).status == 401
    assert api("GET", "/v1/self", token=None, headers=own).json["held"] == ["runs:read"]


def test_a_guest_makes_nothing_that_reaches_beyond_the_shared_project(api: Api) -> None:
    """Confused deputy: rights in one organization are never used for things of another."""
    acme = api("POST", "/v1/organizations", {"name": "acme"}).json["token"]
    api("PUT", "/v1/teams/ops", {}, token=acme)
    invited = {"email": "eve@example.org", "teams": ["ops"]}
    text = api("POST", "/v1/invitations", invited, token=acme).json["code"]
    eve = api("POST", "/v1/accept-invitation", {"code": text, "name": "Eve"}, token=None).json["token"]
    share = {"team": "acme/ops", "role": "admin", "scope": "project:default"}
    text = api("POST", "/v1/invitations", share).json["code"]
    assert api("POST", "/v1/accept-invitation/for-team", {"code": text}, token=acme).status < 300
    here, home = {"cadence-organization": "default"}, None
    assert api("GET", "/v1/projects/default/secrets", token=eve, headers=here).status == 200
    for method, path, body in (
        ("POST", "/v1/projects", {"name": "mine"}),
        ("POST", "/v1/grants", {"subject": "team:acme/ops", "role": "admin", "scope": "organization"}),
        ("PUT", "/v1/teams/ops", {"group": "everyone"}),
        ("PUT", "/v1/pools/local", {"provider": "host"}),
        ("GET", "/v1/members", None),
    ):
        assert api(method, path, body, token=eve, headers=here).status in (403, 404), (method, path)
    # At home, where nothing was granted to the team, its rights as a guest count for nothing.
    assert api("GET", "/v1/projects/default/secrets", token=eve, headers=home).status in (403, 404)
    # A token of an organization acts in no other, whatever the header says.
    assert api("GET", "/v1/projects", token=acme, headers=here).status == 404


@pytest.mark.parametrize("room", ["domain", "application", "adapters", "composition"])
def test_hashes_of_secrets_are_compared_in_constant_time(room: str) -> None:
    """Timing: `==` tells by its time how much of a guess is right; only conditions of DynamoDB may have it."""
    found = []
    for path in sorted((FUNCTIONS / "cadence" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
                sides = [node.left, *node.comparators]
                of_table = any(isinstance(side, ast.Attribute) and _is_item(side) for side in sides)
                if any(_name(side).endswith(HASHES) for side in sides) and not of_table:
                    found.append(f"{path.relative_to(FUNCTIONS)}:{node.lineno}")
    assert found == [], "compare with hmac.compare_digest"


def _name(side: ast.expr) -> str:
    if isinstance(side, ast.Call):
        return _name(side.func)
    return side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "")


def _is_item(side: ast.Attribute) -> bool:
    return isinstance(side.value, ast.Name) and side.value.id.endswith("Item")
