"""Turns a bearer token into the principal that it authenticates."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from cadence.application.access.ports import TokenStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ApiToken, Principal, format_token, parse_token, secret_hash
from cadence.domain.shared.errors import Forbidden, NotFound, Unauthenticated

_SCHEME = "bearer"
_REFUSED = "The token is unknown, revoked or expired. Send `Authorization: Bearer cad_…` with a valid token."


@dataclass(frozen=True)
class Authenticate:
    """Authenticates requests."""

    tokens: TokenStore
    clock: Clock

    def authenticate(self, authorization: str | None) -> Principal:
        """Returns the principal of the request's header `Authorization`.

        Raises Unauthenticated, with the same message whatever is wrong with the token.
        """
        if not authorization:
            raise Unauthenticated("This needs a token: send `Authorization: Bearer cad_…`.")
        scheme, _, credentials = authorization.partition(" ")
        parsed = parse_token(credentials.strip())
        if scheme.lower() != _SCHEME or parsed is None:
            raise Unauthenticated(_REFUSED)
        token_id, secret = parsed
        try:
            token = self.tokens.get_token(token_id)
        except NotFound:
            raise Unauthenticated(_REFUSED) from None
        if not token.accepts(secret, self.clock()):
            raise Unauthenticated(_REFUSED)
        return Principal(
            token_id=token.token_id,
            name=token.name,
            organization=token.organization,
            project=token.project,
            permissions=token.permissions,
            run=token.run,
        )


def require(principal: Principal, permission: str) -> None:
    """Raises Forbidden, naming the missing permission, unless the principal has it."""
    if not principal.may(permission):
        raise Forbidden(f"The token {principal.name!r} lacks the permission {permission}.", permission=permission)


def issue_token(
    organization: str,
    project: str,
    name: str,
    permissions: frozenset[str],
    created_by: str,
    now: datetime,
    expires_at: datetime | None = None,
    token_id: str | None = None,
    made_with: str | None = None,
) -> tuple[ApiToken, str]:
    """Returns a new token as it is to be stored, and its text, which is handed out once."""
    token_id = token_id or new_ulid(now)
    secret = secrets.token_urlsafe(32)
    token = ApiToken(
        token_id=token_id,
        organization=organization,
        project=project,
        name=name,
        secret_sha256=secret_hash(secret),
        permissions=permissions,
        created_at=now,
        created_by=created_by,
        expires_at=expires_at,
        made_with=made_with,
    )
    return token, format_token(token_id, secret)
