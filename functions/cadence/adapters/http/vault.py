"""`SourceReader` for HashiCorp Vault (and OpenBao): the engine KV, version 2, after a login by JWT or AppRole.

A secret names the server, so it is asked only where the installation allows connections to, and redirects are not
followed. The token of a login lives in this module for one read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from cadence.adapters.http.connection_errors import reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool
from cadence.application.shared.secret_sources import SourcedValue
from cadence.domain.access.secret_source import SecretSource, VaultAccess, VaultLogin, field_of
from cadence.domain.shared.errors import CannotRun, Transient

# Two requests have to be done within a claim, which has 29 seconds.
_TIMEOUT = urllib3.Timeout(connect=3.0, read=6.0)
_LARGEST = 1024 * 1024
_LONGEST_REASON = 200
# Of Vault's documented codes: not yet consistent, too many requests, standby nodes that cannot answer.
_LATER = frozenset({412, 429, 472, 473})


@dataclass(frozen=True)
class _VaultAnswer:
    status: int
    content: Mapping[str, Any]


class VaultReader:
    def __init__(self, reach: EgressPolicy) -> None:
        self._reach = reach
        self._pool = guarded_pool(reach, user_agent="cadence", timeout=_TIMEOUT, retries=urllib3.Retry(False))

    def read(self, source: SecretSource, credential: str) -> SourcedValue:
        access = source.vault
        if access is None or source.field is None:
            raise CannotRun("it has no server or no field. Set the secret again.")
        self._check_encryption(access)
        token = self._log_in(access, credential)
        path = f"{_path(access.mount)}/data/{_path(source.name)}"
        answer = self._ask(access, "GET", path, secrets=(token, credential), token=token)
        if answer.status == 404:
            raise CannotRun(_absent(answer))
        if answer.status != 200:
            raise CannotRun(
                f"the server refuses it ({_reason(answer, token, credential)}). Give the role {access.role} a policy "
                f'with the capability "read" on {access.mount}/data/{source.name}.'
            )
        data = answer.content.get("data")
        content = data.get("data") if isinstance(data, Mapping) else None
        metadata = data.get("metadata") if isinstance(data, Mapping) else None
        if not isinstance(content, Mapping) or not isinstance(metadata, Mapping):
            raise CannotRun(f"{access.mount} is no engine KV of version 2. Upgrade it, or name another mount.")
        return SourcedValue(field_of(content, source.field), str(metadata.get("version", "unknown")))

    def _check_encryption(self, access: VaultAccess) -> None:
        parts = urlsplit(access.address)
        if parts.scheme != "https" and not self._reach.includes(parts.hostname or "", parts.port):
            raise CannotRun("the server is asked over https:// only. Change the address.")

    def _log_in(self, access: VaultAccess, credential: str) -> str:
        jwt = access.login is VaultLogin.JWT
        body = {"role": access.role, "jwt": credential} if jwt else {"role_id": access.role, "secret_id": credential}
        answer = self._ask(access, "POST", f"auth/{_path(access.login_mount)}/login", secrets=(credential,), body=body)
        authorization = answer.content.get("auth")
        token = authorization.get("client_token") if isinstance(authorization, Mapping) else None
        if answer.status != 200 or not isinstance(token, str) or not token:
            hint = (
                f'that its audiences have "{access.audience}" and its claims are those of the treatment'
                if jwt
                else f"the secret ID in the project's secret {access.secret}"
            )
            raise CannotRun(
                f"the login at auth/{access.login_mount} is refused ({_reason(answer, credential)}). Check the role "
                f"{access.role}, and {hint}."
            )
        return token

    def _ask(
        self,
        access: VaultAccess,
        method: str,
        path: str,
        *,
        secrets: tuple[str, ...],
        body: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> _VaultAnswer:
        """Sends one request. Raises Transient if the server cannot answer now, CannotRun if it is out of reach."""
        headers = {"X-Vault-Request": "true", "Content-Type": "application/json"}
        if token:
            headers["X-Vault-Token"] = token
        if access.namespace:
            headers["X-Vault-Namespace"] = access.namespace
        content = json.dumps(body).encode() if body else None
        url = f"{access.address}/v1/{path}"
        try:
            with self._pool.request(
                method, url, body=content, headers=headers, redirect=False, preload_content=False
            ) as response:
                answer = _VaultAnswer(response.status, _parsed(response.read(_LARGEST)))
        except EgressRefused as error:
            raise CannotRun(f"{error} The operator allows it with `--context outbound_hosts=…`.") from None
        except HTTPError as error:
            raise Transient(f"the server does not answer: {reason_of(error)}. It is asked again.") from None
        if answer.status in _LATER or answer.status >= 500:
            raise Transient(f"the server cannot answer now ({_reason(answer, *secrets)}). It is asked again.")
        return answer


def _path(path: str) -> str:
    return quote(path, safe="/")


def _parsed(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _absent(answer: _VaultAnswer) -> str:
    """Vault answers 404 with the metadata of a version that was deleted."""
    data = answer.content.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("metadata"), Mapping):
        version = data["metadata"].get("version")
        return f"its version {version} is deleted. Restore it there (`vault kv undelete`), or write a new one."
    return "there is nothing at this path. Write it there, or name another path or mount."


def _reason(answer: _VaultAnswer, *secrets: str) -> str:
    """Returns the status and Vault's own words, without anything that was sent to it."""
    errors = answer.content.get("errors")
    words = "; ".join(str(one) for one in errors) if isinstance(errors, list) else ""
    text = "".join(character if character.isprintable() else " " for character in words)
    for secret in secrets:
        text = text.replace(secret, "***")
    return f"{answer.status}: {text[:_LONGEST_REASON].strip()}" if text.strip() else str(answer.status)
