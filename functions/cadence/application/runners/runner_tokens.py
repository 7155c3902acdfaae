"""Creates and checks tokens of runners and hosts: 256 random bits, stored as a SHA-256, compared in constant time."""

import hashlib
import hmac
import logging
import secrets

from cadence.application.access.authenticate import TokenRefused
from cadence.domain.access.access import Principal
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import Unauthenticated

_log = logging.getLogger("cadence.security")


def new_token() -> str:
    """Returns 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Returns the SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(stored_hash: str | None, token: str) -> bool:
    """Returns True if the token has the stored hash; takes the same time for every wrong token."""
    return hmac.compare_digest(stored_hash or "", token_hash(token)) and stored_hash is not None


def session_token(one_time_token: str, nonce: str) -> str:
    """Returns the token of the session that a claim opens; a repeated claim opens the same session.

    Only the claiming agent knows both the one-time token and the nonce, from which it is derived by HMAC-SHA-256.
    """
    return hmac.new(one_time_token.encode(), f"session {nonce}".encode(), hashlib.sha256).hexdigest()


def claim_key(installation_key: bytes, host_id: str, host_token_hash: str) -> str:
    """Returns the key from which a host makes one-time tokens of runners that it starts before it asks for work.

    It is derived by HMAC-SHA-256 from a key of this installation, so that nobody makes it from what is stored of the
    host; a host that joins anew has another one.
    """
    return hmac.new(installation_key, f"claims {host_id} {host_token_hash}".encode(), hashlib.sha256).hexdigest()


def claim_token(key: str, runner_id: str) -> str:
    """Returns the one-time token of one runner, made from its host's claim key."""
    return hmac.new(key.encode(), f"claim {runner_id}".encode(), hashlib.sha256).hexdigest()


def bearer(authorization: str | None) -> str:
    """Returns the token of an `Authorization: Bearer` header (RFC 6750). Raises Unauthenticated if there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("This needs a token: send `Authorization: Bearer …`.")
    return token.strip()


def refuse(event: str, message: str, **fields: str) -> Unauthenticated:
    """Logs a refused token, to be counted by its field `security_event`, and returns the error to raise."""
    _log.warning("refused: %s", event, extra={"security_event": event, **fields})
    return Unauthenticated(message)


def refuse_runner(event: str, message: str, runner: Runner) -> TokenRefused:
    """Logs a token that was refused for a runner, and returns the error to raise, which names the runner."""
    refuse(event, message, runner_id=runner.runner_id)
    by = runner_principal(runner)
    return TokenRefused(
        message,
        organization=by.organization,
        project=by.project,
        actor=by.actor_id,
        token_id=by.token_id,
        token_name=by.name,
    )


def runner_principal(runner: Runner) -> Principal:
    """Returns the runner as records name it. It has no permissions: what it may do follows from its session."""
    return Principal(
        token_id=runner.runner_id,
        name=f"pool {runner.pool}, attempt {runner.attempt}",
        organization=runner.organization,
        project=runner.project,
        permissions=frozenset(),
        subject=f"runner:{runner.runner_id}",
    )
