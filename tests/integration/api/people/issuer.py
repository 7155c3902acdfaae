"""An identity provider on loopback, whose keys the tests choose."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.answering import Asked, Reply, answering

CLIENT = "cadence"


class Issuer:
    """An identity provider that publishes the keys in `published` and signs whatever it is asked to."""

    def __init__(self) -> None:
        self.keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("one", "two")}
        self.published = ["one"]
        self.url = ""

    @contextmanager
    def listening(self) -> Iterator["Issuer"]:
        """Answers while the context lasts."""
        with answering(self.answer) as self.url:
            yield self

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/.well-known/openid-configuration":
            return Reply(body={"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})
        jwks = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key())) | {"kid": name, "alg": "RS256"}
            for name in self.published
        ]
        return Reply(body={"keys": jwks})

    def token(self, key: str = "one", **claims: Any) -> str:
        now = int(time.time())
        base = {
            "iss": self.url, "aud": CLIENT, "sub": "u1", "iat": now, "exp": now + 3600, "email": "Ada@example.org",
            "email_verified": True, "name": "Ada", "groups": ["engineers"],
        }  # fmt: skip
        kept = {name: value for name, value in (base | claims).items() if value is not None}
        return jwt.encode(kept, self.keys[key], algorithm="RS256", headers={"kid": key})
