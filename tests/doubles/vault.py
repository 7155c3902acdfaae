"""A double of HashiCorp Vault: logins by JWT and AppRole, and reading the engine KV of version 2.

What it answers is held against the samples of Vault's API documentation (`DOCUMENTED`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.fakes.answering import Asked, Reply, answering

DOCUMENTED: Mapping[str, Any] = {
    # Auth methods, JWT, "JWT login"; the answer of AppRole has the same members.
    "login": {
        "auth": {
            "client_token": "f33f8c72-924e-11f8-cb43-ac59d697597c",
            "accessor": "0e9e354a-520f-df04-6867-ee81cae3d42d",
            "policies": ["default", "dev", "prod"],
            "lease_duration": 2764800,
            "renewable": True,
        }
    },
    # KV version 2, "Read secret version".
    "read": {
        "data": {
            "data": {"foo": "bar"},
            "metadata": {
                "created_time": "2018-03-22T02:24:06.945319214Z",
                "custom_metadata": {"owner": "jdoe", "mission_critical": "false"},
                "deletion_time": "",
                "destroyed": False,
                "version": 2,
            },
        }
    },
    # KV version 1, "Read secret".
    "read_version_1": {
        "auth": None,
        "data": {"foo": "bar", "ttl": "1h"},
        "lease_duration": 3600,
        "lease_id": "",
        "renewable": False,
    },
    # "Error response".
    "error": {"errors": ["message", "another message"]},
}


@dataclass
class Vault:
    """`keys` are the public keys of the issuer by their name; `bound` are the claims that the role `web` requires."""

    keys: Callable[[], list[Mapping[str, Any]]] = list
    bound: dict[str, str] = field(default_factory=dict)
    role_ids: dict[str, str] = field(default_factory=dict)
    """Secret ID by role ID."""
    versions: dict[str, list[Mapping[str, Any] | None]] = field(default_factory=dict)
    """All versions by `mount/path`; None is one that was deleted."""
    denied: set[str] = field(default_factory=set)
    namespace: str | None = None
    fault: Reply | None = None
    asked: list[Asked] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    url: str = ""

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.fault:
            return self.fault
        if asked.headers.get("x-vault-namespace") != self.namespace:
            return _errors(404, "no handler for route")
        path = asked.path.removeprefix("/v1/")
        if asked.method == "POST" and path == "auth/jwt/login":
            return self._jwt(asked.body)
        if asked.method == "POST" and path == "auth/approle/login":
            return self._approle(asked.body)
        if asked.method == "GET":
            return self._read(path, asked.headers.get("x-vault-token"))
        return _errors(405, "unsupported operation")

    def _jwt(self, body: Mapping[str, str]) -> Reply:
        if body["role"] != "web":
            return _errors(400, f'role "{body["role"]}" could not be found')
        name = jwt.get_unverified_header(body["jwt"])["kid"]
        (key,) = [jwt.PyJWK(dict(one)) for one in self.keys() if one["kid"] == name]
        try:
            # The tests' clock stands in the past.
            self.claims = jwt.decode(
                body["jwt"], key, ["RS256"], audience=self.url, options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.InvalidAudienceError:
            return _errors(400, "error validating token: invalid audience (aud) claim: audience claim does not match")
        wrong = [name for name, value in self.bound.items() if self.claims.get(name) != value]
        return _errors(400, f'error validating claims: claim "{wrong[0]}" does not match') if wrong else _logged_in()

    def _approle(self, body: Mapping[str, str]) -> Reply:
        if self.role_ids.get(body["role_id"]) != body["secret_id"]:
            return _errors(400, "invalid role or secret ID")
        return _logged_in()

    def _read(self, path: str, token: str | None) -> Reply:
        if token != DOCUMENTED["login"]["auth"]["client_token"]:
            return _errors(403, "permission denied")
        mount, _, name = path.partition("/data/")
        if name in self.denied:
            return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
        if mount == "old":
            return Reply(200, DOCUMENTED["read_version_1"])
        stored = self.versions.get(f"{mount}/{name}")
        if not stored:
            return Reply(404, {"errors": []})
        sample = DOCUMENTED["read"]["data"]["metadata"]
        metadata = {**sample, "version": len(stored)}
        if stored[-1] is None:
            metadata["deletion_time"] = "2018-03-23T02:24:06.945319214Z"
            return Reply(404, {"data": {"data": None, "metadata": metadata}})
        return Reply(200, {"data": {"data": stored[-1], "metadata": metadata}})


def _logged_in() -> Reply:
    return Reply(200, DOCUMENTED["login"])


def _errors(status: int, message: str) -> Reply:
    return Reply(status, {"errors": [message]})


@contextmanager
def vault_server() -> Iterator[Vault]:
    """Serves a Vault on the loopback."""
    vault = Vault()
    with answering(vault.answer) as vault.url:
        yield vault
