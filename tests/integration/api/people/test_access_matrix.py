"""Every route with every role, on an own, a shared and a foreign project: the answers that docs/access-matrix.md shows.

The routes are those of the OpenAPI document, the expectations come from the declared permission and scope and from the
roles, and the answers from the API itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from api.application import build
from api.endpoint import ANY_TOKEN, PUBLIC, Endpoint
from api.openapi import document
from api.routes import ENDPOINTS, GROUPS
from cadence.application.logs.read_logs import ReadLogs
from cadence.domain.access.access import Principal, parse_token
from cadence.domain.access.decisions import Right
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import ORGANIZATION, Scope, project_scope
from cadence.domain.shared.errors import Transient
from tests.integration.api.calling import HELLO, Answer, Api
from tests.integration.api.test_every_route import BODIES, QUERIES

PROTECTED = [endpoint for endpoint in ENDPOINTS if endpoint.permission not in (PUBLIC, ANY_TOKEN)]
IN_A_PROJECT = ("pipeline", "environment", "project")


@dataclass
class Caller:
    """Takes the place of authentication: requests come from a holder of one role at one scope."""

    principal: Principal

    def authenticate(self, authorization: str | None, organization: str | None = None) -> Principal:
        return self.principal


@pytest.fixture
def ask(api: Api, other_project: str) -> Callable[..., Answer]:
    """Calls a route with a role at a scope, about a project."""
    runs = {
        project: api("POST", f"/v1/projects/{project}/runs", {"document": HELLO}).json["run_id"]
        for project in ("default", "other")
    }
    caller = Caller(principal("viewer", ORGANIZATION))
    token_id, _ = parse_token(api.token) or ("", "")
    faults: list[BaseException] = []
    services = replace(api.services, read_logs=at_once(api.services.read_logs))
    handler = build(ENDPOINTS, services, caller, lambda error, body: faults.append(error))  # type: ignore[arg-type]
    called = Api(handler, services, "none")

    def call(endpoint: Endpoint, role: str, scope: Scope, project: str) -> Answer:
        caller.principal = replace(principal(role, scope), token_id=token_id)
        names = {"project": project, "scope": project, "run_id": runs.get(project, "0" * 26)}
        path = re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], "none"), endpoint.path)
        body = body_of(endpoint, project)
        answer = called(endpoint.method, path, body, query=QUERIES.get(endpoint.function.__name__))
        # The code host that a repository would be connected at is not there.
        assert all(isinstance(fault, Transient) for fault in faults), f"{endpoint.method} {path}: {faults!r}"
        text = answer.text.replace(names["run_id"], "RUN").replace(project, "PROJECT")
        return Answer(answer.status, answer.headers, text)

    return call


def at_once(read_logs: ReadLogs) -> ReadLogs:
    return replace(read_logs, sleep=lambda seconds: None)


def principal(role: str, scope: Scope) -> Principal:
    right = Right(grant_id="g", subject="team:rival/dev", role=role, scope=scope, permissions=BUILT_IN_ROLES[role])
    return Principal(
        token_id="0" * 26,
        name="Ada",
        organization="default",
        project="*",
        permissions=frozenset("*"),
        subject="member:" + "0" * 26,
        rights=(right,),
    )


def body_of(endpoint: Endpoint, project: str) -> dict[str, Any] | None:
    name = endpoint.function.__name__
    if endpoint.body is None:
        return None
    body = dict(BODIES[name])
    if "project" in body:
        body["project"] = project
    if name == "put_export":
        body["projects"] = [project]
    if name == "create_invitation":
        body = {"team": "rival/dev", "role": "viewer", "scope": f"project:{project}"}
    return body


def wrong(endpoint: Endpoint, answer: Answer, expected: str) -> str:
    return f"{endpoint.method} {endpoint.path} ({endpoint.permission}): {answer.status} instead of {expected}"


def test_every_route_of_the_openapi_document_is_in_the_matrix():
    described = {(method.upper(), path) for path, methods in document(GROUPS)["paths"].items() for method in methods}
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert {endpoint.scope for endpoint in ENDPOINTS} == {*IN_A_PROJECT, "pool", "organization", "anywhere"}


@pytest.mark.parametrize("role", sorted(BUILT_IN_ROLES))
def test_a_role_for_a_project_answers_there_and_nowhere_else(ask, role):
    """An own project and a shared one differ in the subject of the grant only, which decides nothing."""
    mistakes = []
    scope = project_scope("default")
    for endpoint in PROTECTED:
        permitted = endpoint.permission in BUILT_IN_ROLES[role]
        own = ask(endpoint, role, scope, "default")
        if not permitted:
            mistakes += [] if own.status == 403 else [wrong(endpoint, own, "403")]
        elif endpoint.scope in ("organization", "pool"):
            mistakes += [] if own.status in (403, 404) else [wrong(endpoint, own, "403")]
        elif own.status in (401, 403):
            mistakes.append(wrong(endpoint, own, "an answer"))
        if endpoint.scope in IN_A_PROJECT:
            foreign = ask(endpoint, role, scope, "other")
            missing = ask(endpoint, role, scope, "nowhere")
            if (foreign.status, foreign.text) != (missing.status, missing.text):
                mistakes.append(wrong(endpoint, foreign, f"{missing.status}: {missing.text}, {foreign.text}"))
            if foreign.status != (404 if permitted else 403):
                mistakes.append(wrong(endpoint, foreign, "404" if permitted else "403"))
    assert mistakes == []


@pytest.mark.parametrize("role", sorted(BUILT_IN_ROLES))
def test_a_role_for_the_organization_answers_everywhere(ask, role):
    mistakes = []
    for endpoint in PROTECTED:
        permitted = endpoint.permission in BUILT_IN_ROLES[role]
        for project in ("default", "other") if endpoint.scope in IN_A_PROJECT else ("default",):
            answer = ask(endpoint, role, ORGANIZATION, project)
            if (answer.status == 403) == permitted or answer.status == 401:
                mistakes.append(wrong(endpoint, answer, "an answer" if permitted else "403"))
    assert mistakes == []
