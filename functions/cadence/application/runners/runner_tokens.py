"""Tokens of runners and hosts: 256 random bits, stored only as a SHA-256, compared in constant time."""

import hashlib
import hmac
import logging
import secrets

from cadence.domain.shared.errors import Unauthenticated

_log = logging.getLogger("cadence.security")


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def matches(stored_hash: str | None, token: str) -> bool:
    """Takes the same time for every wrong token."""
    return hmac.compare_digest(stored_hash or "", token_hash(token)) and stored_hash is not None


def session_token(one_time_token: str, nonce: str) -> str:
    """The session that a claim opens. Only the claiming agent knows what it follows from; repeated, it is the same."""
    return hmac.new(one_time_token.encode(), f"session {nonce}".encode(), hashlib.sha256).hexdigest()


def bearer(authorization: str | None) -> str:
    """The token in an `Authorization` header. Raises Unauthenticated."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("This needs a token: send `Authorization: Bearer …`.")
    return token.strip()


def refuse(event: str, message: str, **fields: str) -> Unauthenticated:
    """Notes a refused token, countable by its field `security_event`, and returns the error to raise."""
    _log.warning("refused: %s", event, extra={"security_event": event, **fields})
    return Unauthenticated(message)
