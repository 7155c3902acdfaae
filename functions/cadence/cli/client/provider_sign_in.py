"""Gets an identity token from an OpenID Connect provider, as a public client.

With a browser: the authorization code flow with PKCE (RFC 7636) and a redirect to the loopback interface (RFC 8252).
Without one: the device flow (RFC 8628).
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from cadence.cli.client.loopback_redirect import LoopbackRedirect

_TIMEOUT = 30
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5
_LONGEST_WAIT = 600


class SignInFailed(Exception):
    """The provider gave no identity token."""


@dataclass(frozen=True)
class IdentityTokenAnswer:
    """An identity token, and the nonce that was asked for with it."""

    id_token: str
    nonce: str | None


@dataclass(frozen=True, kw_only=True)
class ProviderSignIn:
    """Signs in at one provider."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    sleep: Callable[[float], None] = time.sleep

    def with_device(self, show: Callable[[str, str], None]) -> IdentityTokenAnswer:
        """Signs in on any device; `show` gets the address to open and the code to enter there.

        Raises SignInFailed.
        """
        provider = self._discover("device_authorization_endpoint", "token_endpoint")
        started = _post(
            provider["device_authorization_endpoint"], {"client_id": self.client_id, "scope": " ".join(self.scopes)}
        )
        if "device_code" not in started:
            raise SignInFailed(f"{self.issuer} does not start a device sign-in: {_reason(started)}")
        show(started.get("verification_uri_complete") or started["verification_uri"], started["user_code"])
        interval, waited = float(started.get("interval", _SLOWER)), 0.0
        while waited < min(float(started.get("expires_in", _LONGEST_WAIT)), _LONGEST_WAIT):
            self.sleep(interval)
            waited += interval
            answer = _post(
                provider["token_endpoint"],
                {"grant_type": _DEVICE_GRANT, "device_code": started["device_code"], "client_id": self.client_id},
            )
            if answer.get("error") == "slow_down":
                interval += _SLOWER
            elif answer.get("error") != "authorization_pending":
                return IdentityTokenAnswer(self._id_token(answer), None)
        raise SignInFailed("The code was not entered in time. Sign in again.")

    def with_browser(self, open_page: Callable[[str], None]) -> IdentityTokenAnswer:
        """Signs in with a browser on this machine; `open_page` opens an address in it. Raises SignInFailed."""
        provider = self._discover("authorization_endpoint", "token_endpoint")
        verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with LoopbackRedirect(_LONGEST_WAIT) as server:
            redirect = server.redirect_url
            query = {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": redirect,
                "scope": " ".join(self.scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            open_page(f"{provider['authorization_endpoint']}?{urlencode(query)}")
            received = server.wait()
        if not hmac.compare_digest(received.get("state", ""), state):
            raise SignInFailed("The answer belongs to another sign-in. Sign in again.")
        if "code" not in received:
            raise SignInFailed(f"{self.issuer} refuses: {_reason(received)}")
        answer = _post(
            provider["token_endpoint"],
            {
                "grant_type": "authorization_code",
                "code": received["code"],
                "redirect_uri": redirect,
                "client_id": self.client_id,
                "code_verifier": verifier,
            },
        )
        return IdentityTokenAnswer(self._id_token(answer), nonce)

    def _discover(self, *needed: str) -> Mapping[str, Any]:
        url = f"{self.issuer}/.well-known/openid-configuration"
        try:
            answer = requests.get(url, timeout=_TIMEOUT)
            document = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError):
            document = {}
        missing = [name for name in needed if name not in document]
        if missing:
            raise SignInFailed(f"{self.issuer} does not offer {', '.join(missing)}.")
        return dict(document)

    def _id_token(self, answer: Mapping[str, Any]) -> str:
        if "id_token" not in answer:
            raise SignInFailed(f"{self.issuer} refuses: {_reason(answer)}")
        return str(answer["id_token"])


def _post(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    try:
        return dict(requests.post(url, data=form, timeout=_TIMEOUT).json())
    except (requests.RequestException, ValueError, TypeError):
        host = urlsplit(url).hostname
        raise SignInFailed(f"{host} cannot be reached, or gives no answer in JSON.") from None


def _reason(answer: Mapping[str, Any]) -> str:
    return str(answer.get("error_description") or answer.get("error") or "no reason is given")[:300]
