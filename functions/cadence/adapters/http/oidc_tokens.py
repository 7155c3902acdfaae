"""`IdentityTokens`: tokens of OpenID Connect, checked with the keys that their issuer publishes."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from cadence.adapters.http.egress_policy import EgressPolicy, guarded_pool
from cadence.domain.shared.errors import Transient, Unauthenticated

_FRESH = 600.0
# Unknown keys are looked up again, but invented ones must not make us call the issuer all the time.
_ASKED_AGAIN = 30.0
_LARGEST = 256 * 1024
_LEEWAY = 30
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384"]
_WORDS = "The identity token is not valid"


class OidcTokens:
    def __init__(self, reach: EgressPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        timeout = urllib3.Timeout(connect=3.0, read=5.0)
        self._pool = guarded_pool(reach, user_agent="cadence", timeout=timeout, retries=urllib3.Retry(False))
        self._reach, self._clock = reach, clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def read(self, token: str, issuer: str, audience: str) -> Mapping[str, Any]:
        # Only Lambdas that accept such tokens need it: it imports all of cryptography.
        import jwt

        try:
            name = str(jwt.get_unverified_header(token).get("kid", ""))
            key = jwt.PyJWK(self._key(issuer, name))
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=audience,
                issuer=issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            # The token's own claims are not repeated: any client may have written them.
            raise Unauthenticated(f"{_WORDS}: {reason_of_token(error)}.") from None
        return claims

    def _key(self, issuer: str, name: str) -> dict[str, Any]:
        with self._lock:
            at, keys = self._known.get(issuer, (-_FRESH, {}))
            age = self._clock() - at
            if age >= _FRESH or (name not in keys and age >= _ASKED_AGAIN):
                keys = self._published(issuer)
                self._known[issuer] = self._clock(), keys
        if name not in keys:
            raise Unauthenticated(f"{_WORDS}: its issuer has no such key.")
        return dict(keys[name])

    def _published(self, issuer: str) -> Mapping[str, Any]:
        document = self._fetch(issuer, f"{issuer}/.well-known/openid-configuration")
        where = str(document.get("jwks_uri", ""))
        if urlsplit(where).netloc != urlsplit(issuer).netloc:
            raise Transient(f"{urlsplit(issuer).hostname} does not publish the address of its keys.")
        keys = self._fetch(issuer, where).get("keys")
        return {str(key["kid"]): key for key in keys or () if isinstance(key, dict) and "kid" in key}

    def _fetch(self, issuer: str, url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.scheme != "https" and not self._reach.includes(parts.hostname or "", parts.port):
            raise Transient(f"{parts.hostname} does not publish its keys over HTTPS.")
        try:
            with self._pool.request("GET", url, redirect=False, preload_content=False) as answer:
                content = answer.read(_LARGEST)
                document = json.loads(content) if answer.status == 200 else None
        except (urllib3.exceptions.HTTPError, ValueError):
            document = None
        if not isinstance(document, dict):
            raise Transient(f"{urlsplit(issuer).hostname} does not publish its keys.")
        return document


def reason_of_token(error: Exception) -> str:
    """Returns why a token is refused, without anything of its content."""
    import jwt

    match error:
        case jwt.ExpiredSignatureError():
            return "it has expired"
        case jwt.ImmatureSignatureError():
            return "it is not valid yet"
        case jwt.InvalidAudienceError():
            return "it is for another audience"
        case jwt.InvalidIssuerError():
            return "it is of another issuer"
        case jwt.InvalidSignatureError():
            return "its signature is not that of its issuer"
        case jwt.InvalidAlgorithmError():
            return "it is signed in a way that is not accepted"
        case jwt.MissingRequiredClaimError():
            return f"it has no claim {error.claim}"
    return "it cannot be read"
