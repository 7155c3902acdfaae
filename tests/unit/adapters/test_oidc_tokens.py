"""Identity tokens, with a real issuer on the loopback."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oidc_tokens import OidcTokens
from cadence.domain.shared.errors import Transient, Unauthenticated
from tests.fakes.answering import Asked, Reply, answering

AUDIENCE = "cadence:runner-1"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    def __init__(self) -> None:
        self.url, self.keys, self.asked, self.elsewhere = "", {"one": KEY}, 0, ""

    def answer(self, asked: Asked) -> Reply:
        self.asked += 1
        if asked.path == "/.well-known/openid-configuration":
            return Reply(200, {"issuer": self.url, "jwks_uri": self.elsewhere or f"{self.url}/keys"})
        keys = [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name} for name, key in self.keys.items()]
        return Reply(200, {"keys": keys})

    def token(self, key: Any = KEY, name: str = "one", **changed: Any) -> str:
        now = datetime.now(UTC)
        claims = {"iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + timedelta(minutes=5), "run_id": "7"}
        claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": name})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    its = Issuer()
    with answering(its.answer) as url:
        its.url = url
        yield its


def tokens(clock: Any = lambda: 1_000.0) -> OidcTokens:
    return OidcTokens(EgressPolicy.of("127.0.0.1"), clock)


def test_a_token_is_read_and_the_keys_are_cached(issuer: Issuer) -> None:
    its = tokens()
    for _ in range(3):
        assert its.read(issuer.token(), issuer.url, AUDIENCE)["run_id"] == "7"
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"key": STRANGERS},
        {"aud": "cadence:runner-2"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"exp": -timedelta(minutes=2)},
        {"exp": None},
        {"iat": None},
        {"iat": timedelta(minutes=9)},
        {"name": "unknown"},
    ],
)
def test_anything_else_is_refused(issuer: Issuer, changed: dict[str, Any]) -> None:
    # Seen from when it runs, which may be long after the cases were collected.
    now = datetime.now(UTC)
    changed = {name: now + value if isinstance(value, timedelta) else value for name, value in changed.items()}
    with pytest.raises(Unauthenticated):
        tokens().read(issuer.token(**changed), issuer.url, AUDIENCE)


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense"])
def test_what_is_no_token_is_refused(issuer: Issuer, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().read(token, issuer.url, AUDIENCE)


def test_a_token_that_needs_no_key_is_refused(issuer: Issuer) -> None:
    keys: tuple[tuple[str, Any], ...] = (("none", None), ("HS256", "x" * 32))
    for algorithm, key in keys:
        token = jwt.encode({"iss": issuer.url, "aud": AUDIENCE}, key, algorithm=algorithm, headers={"kid": "one"})
        with pytest.raises(Unauthenticated):
            tokens().read(token, issuer.url, AUDIENCE)


def test_a_new_key_is_found_but_not_looked_for_all_the_time(issuer: Issuer) -> None:
    now = [1_000.0]
    its = tokens(lambda: now[0])
    its.read(issuer.token(), issuer.url, AUDIENCE)
    issuer.keys["two"] = STRANGERS
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            its.read(issuer.token(STRANGERS, "two"), issuer.url, AUDIENCE)
    assert issuer.asked == 2
    now[0] += 31
    assert its.read(issuer.token(STRANGERS, "two"), issuer.url, AUDIENCE)["run_id"] == "7"


def test_keys_are_the_issuers_own(issuer: Issuer) -> None:
    issuer.elsewhere = "https://keys.example/jwks"
    with pytest.raises(Transient):
        tokens().read(issuer.token(), issuer.url, AUDIENCE)


def test_an_issuer_out_of_reach_is_not_asked(issuer: Issuer) -> None:
    its = OidcTokens(EgressPolicy())
    with pytest.raises(Transient):
        its.read(issuer.token(), issuer.url, AUDIENCE)
    assert issuer.asked == 0
