"""A leaver: signed in everywhere, removed in the company's directory, and out everywhere within five minutes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from cadence.application.search.push_lines import PushLines
from cadence.domain.shared.errors import Gone, NotFound, Unauthenticated
from tests.integration.api.calling import Api
from tests.integration.api.people.directory_servers import RealDirectory, needs_samba, needs_slapd
from tests.integration.api.people.issuer import CLIENT, Issuer
from tests.integration.api.people.test_directories import Door
from tests.integration.api.people.test_provisioning import Provisioner
from tests.integration.api.people.test_sessions import halves, opened
from tests.integration.api.test_gates_api import link
from tests.integration.api.test_gates_api import waiting as waiting

FIVE_MINUTES = timedelta(minutes=5)


@dataclass
class Sockets:
    """Connections of the WebSocket API."""

    sent: list[str] = field(default_factory=list)

    def post(self, connection_id: str, message: str) -> None:
        if connection_id == "gone":
            raise Gone("closed")
        self.sent.append(message)


@pytest.fixture
def live(api: Api, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> PushLines:
    from cadence.composition.live import follow_lines, push_lines

    monkeypatch.setenv("CADENCE_LIVE_ENDPOINT", "http://127.0.0.1:9")
    return replace(push_lines(follow_lines()), sockets=Sockets())


@dataclass
class SignedInEverywhere:
    """All ways in of one person; each is tried with the same calls before and after the person left."""

    tokens: dict[str, str]
    session: dict[str, str]
    code: str
    invitation: str
    link: tuple[str, str]

    def tries(self, api: Api) -> dict[str, int]:
        """Returns the status of a call by each way that can be tried more than once."""
        path, key = self.link
        found = {name: api("GET", "/v1/runs", token=token).status for name, token in self.tokens.items()}
        found["browser"] = api("GET", "/v1/runs", token=None, headers=self.session).status
        found["link"] = api("GET", path, query={"key": key}, token=None).status
        return found

    def tries_once(self, api: Api) -> dict[str, int]:
        """Returns the status of a call by each way that works once."""
        path, key = self.link
        accepted = {"code": self.invitation, "name": "Ada again"}
        return {
            "code of a session": api("POST", "/v1/sessions", {"code": self.code}, token=None).status,
            "invitation": api("POST", "/v1/accept-invitation", accepted, token=None).status,
            "link": api("POST", path, {"key": key, "decision": "approve"}, token=None).status,
            "new token": api(
                "POST", "/v1/tokens", {"name": "x", "permissions": ["*"]}, token=self.tokens["CLI"]
            ).status,
        }


def signed_in(api: Api, run_id: str, cli: str) -> SignedInEverywhere:
    def made(path: str, body: Any, token: str = cli) -> dict[str, Any]:
        answer = api("POST", path, body, token=token)
        assert answer.status in (200, 201), answer.text
        return dict(answer.json)

    personal = made("/v1/tokens", {"name": "laptop", "permissions": ["*"]})["token"]
    assert api("PUT", "/v1/service-accounts/ci", {}).status == 201
    api("POST", "/v1/grants", {"subject": "service-account:ci", "role": "admin", "scope": "organization"})
    account = made("/v1/service-accounts/ci/tokens", {"name": "from Ada"})["token"]
    descendant = made("/v1/tokens", {"name": "from Ada's", "permissions": ["*"]}, account)["token"]
    with_code = made("/v1/sessions/codes", None)["code"]
    return SignedInEverywhere(
        tokens={
            "CLI": cli,
            "personal token": personal,
            "token of a service account": account,
            "token made with it": descendant,
        },
        session=halves(opened(api, code=with_code)),
        code=made("/v1/sessions/codes", None)["code"],
        invitation=made("/v1/invitations", {"email": "other@example.org"})["code"],
        link=as_ada(api, cli, lambda: link(api, run_id)),
    )


def as_ada(api: Api, token: str, made: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    admin, api.token = api.token, token
    try:
        return made()
    finally:
        api.token = admin


@dataclass
class Provisioned:
    """Who is removed by a provisioning service, and signs in at an OpenID Connect provider."""

    api: Api
    issuer: Issuer
    group: str = "Engineers"
    source: str = "scim"

    def come(self) -> None:
        self.scim = Provisioner(self.api)
        self.api(
            "PUT",
            "/v1/identity-providers/corp",
            {"issuer": self.issuer.url, "client_id": CLIENT, "open_to_all": True},
        )
        self.user = self.scim.create("ada@example.org")
        self.scim("POST", "/Groups", {"displayName": self.group, "members": [{"value": self.user}]})

    def sign_in(self, again: str) -> str:
        from cadence.composition.access.sign_in import sign_in

        return sign_in().sign_in("default", "corp", self.issuer.token(jti=again), None).token

    def leave(self) -> None:
        removed = self.scim.patch(f"/Users/{self.user}", {"op": "Replace", "path": "active", "value": "False"})
        assert removed.json["active"] is False


@dataclass
class OfDirectory:
    """Who signs in with a real directory, and is deleted there; `directories` looks every two minutes."""

    door: Door
    directory: RealDirectory
    source: str = "directory:corp"

    @property
    def group(self) -> str:
        return self.directory.group("engineers")  # in which `compilers` is, to which the person belongs

    def come(self) -> None:
        self.door.connect(self.directory.body())

    def sign_in(self, _: str) -> str:
        return self.door.sign_in("dan")

    def leave(self) -> None:
        self.directory.remove("dan")
        assert self.door.sync() == 0


@pytest.fixture(
    params=["provisioned", pytest.param("openldap", marks=needs_slapd), pytest.param("domain", marks=needs_samba)]
)
def person(request: pytest.FixtureRequest, api: Api, issuer: Issuer) -> Provisioned | OfDirectory:
    if request.param == "provisioned":
        return Provisioned(api, issuer)
    return OfDirectory(Door(api), request.getfixturevalue(request.param))


def test_a_leaver_is_out_everywhere(api: Api, person: Provisioned | OfDirectory, live: PushLines, waiting: str) -> None:
    person.come()
    api("PUT", "/v1/teams/dev", {"group": person.group, "group_source": person.source})
    api("POST", "/v1/grants", {"subject": "team:dev", "role": "admin", "scope": "organization"})
    ada = signed_in(api, waiting, person.sign_in("1"))
    kept = api("POST", "/v1/service-accounts/ci/tokens", {"name": "from the owner"}).json["token"]
    live.subscribe("connection", ada.tokens["CLI"], "level:error", None, None)
    live.ping("connection", str(live.connections.get("connection").told))
    # Signing in again adds a token to those of before, which all have to end.
    ada.tokens["CLI again"] = person.sign_in("2")
    assert set(ada.tries(api).values()) == {200}

    person.leave()

    out = {**dict.fromkeys(ada.tokens, 401), "browser": 401, "link": 410}
    assert ada.tries(api) == out
    assert ada.tries_once(api) == {"code of a session": 401, "invitation": 404, "link": 410, "new token": 401}
    told = str(live.connections.get("connection").told)
    with time_machine.travel(datetime.now(UTC) + FIVE_MINUTES, tick=True):
        assert ada.tries(api) == out
        # Lines reach nobody who has given no sign of life for a minute; the sign of life itself ends it.
        assert live.connections.of_organization("default", live.clock()) == []
        with pytest.raises(Unauthenticated):
            live.ping("connection", told)
        with pytest.raises(NotFound):
            live.connections.get("connection")
        with pytest.raises(Unauthenticated):
            live.subscribe("another", ada.tokens["CLI"], "level:error", None, None)
        # What is not hers stays.
        assert api("GET", "/v1/runs", token=kept).status == 200
        assert [one["name"] for one in api("GET", "/v1/service-accounts").json["items"]] == ["ci"]
