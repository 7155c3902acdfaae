"""Turns a bearer token into the principal that it authenticates."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from cadence.application.access.ports import Credentials, TokenStore
from cadence.application.access.token_uses import NO_TOKEN_USES, TokenUses
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS, ApiToken, Principal, format_token, parse_token, secret_hash
from cadence.domain.access.people import holders
from cadence.domain.access.scopes import Scope
from cadence.domain.shared.errors import Forbidden, NotFound, Unauthenticated

_SCHEME = "bearer"
_REFUSED = "The token is unknown, revoked or expired. Send `Authorization: Bearer cad_…` with a valid token."


class TokenRefused(Unauthenticated):
    """Signals that a token is known, but was shown with a wrong secret or after its end: whose it is, for the records.

    `token_id` is the id of the runner or host for a token of one.
    """

    def __init__(
        self, message: str, *, organization: str, project: str, actor: str, token_id: str, token_name: str
    ) -> None:
        super().__init__(message)
        self.organization, self.project = organization, project
        self.actor, self.token_id, self.token_name = actor, token_id, token_name

    @classmethod
    def of(cls, token: ApiToken) -> "TokenRefused":
        """Returns the error for an API token."""
        return cls(
            _REFUSED,
            organization=token.organization,
            project=ALL_PROJECTS,
            actor=token.subject or token.token_id,
            token_id=token.token_id,
            token_name=token.name,
        )


@dataclass(frozen=True)
class Authenticate:
    """Authenticates requests."""

    tokens: TokenStore
    clock: Clock
    uses: TokenUses = NO_TOKEN_USES

    def authenticate(self, authorization: str | None, organization: str | None = None) -> Principal:
        """Returns the principal of the request's header `Authorization`.

        `organization` is the one to act in, if it is not the token's own: with what was granted there to teams of the
        token's holder. Raises Unauthenticated, with the same message whatever is wrong with the token.
        """
        if not authorization:
            raise Unauthenticated("This needs a token: send `Authorization: Bearer cad_…`.")
        scheme, _, credentials = authorization.partition(" ")
        parsed = parse_token(credentials.strip())
        if scheme.lower() != _SCHEME or parsed is None:
            raise Unauthenticated(_REFUSED)
        token_id, secret = parsed
        stored = self._credentials(token_id, organization)
        if not stored.token.accepts(secret, self.clock()):
            raise TokenRefused.of(stored.token)
        return self._accepted(stored, organization)

    def renew(self, principal: Principal) -> Principal:
        """Returns a principal that was authenticated earlier, with its rights of now.

        Raises Unauthenticated if its token or its holder is gone, or the token has expired.
        """
        return replace(self.of_token(principal.token_id, principal.organization), asked=principal.asked)

    def of_token(self, token_id: str, organization: str | None = None) -> Principal:
        """Returns the principal of a token as it is now, for one that was shown before.

        Raises Unauthenticated if it is revoked or expired, or its holder is gone.
        """
        stored = self._credentials(token_id, organization)
        if not stored.token.lives(self.clock()):
            raise Unauthenticated(_REFUSED)
        return self._accepted(stored, organization)

    def _accepted(self, stored: Credentials, organization: str | None) -> Principal:
        principal = principal_of(stored, organization)
        self.uses.note(principal.token_id, self.clock())
        return principal

    def _credentials(self, token_id: str, organization: str | None) -> Credentials:
        try:
            return self.tokens.credentials(token_id, organization)
        except NotFound:
            raise Unauthenticated(_REFUSED) from None


def principal_of(stored: Credentials, organization: str | None) -> Principal:
    """Returns the principal of an accepted token.

    Raises Unauthenticated if the token's holder is gone, NotFound if it has nothing in another `organization`.
    """
    token, holder = stored.token, stored.holder
    acting_in = organization or token.organization
    missing = NotFound(f"There is no organization {acting_in[:70]!r} here.")
    if token.subject is None:
        if acting_in != token.organization:
            raise missing
        return Principal(
            token_id=token.token_id,
            name=token.name,
            organization=token.organization,
            project=token.project,
            permissions=token.permissions,
            run=token.run,
        )
    # A later holder of the same name is not the one that the token was created for.
    if holder is None or str(holder.subject) != token.subject or holder.created_at > token.created_at:
        raise Unauthenticated(_REFUSED)
    subjects = holders(holder.subject, holder.organization, holder.teams, acting_in)
    rights = stored.policy.rights(subjects) if stored.policy is not None else ()
    if acting_in != token.organization and not rights:
        raise missing
    return Principal(
        token_id=token.token_id,
        name=holder.name,
        organization=acting_in,
        project=token.project,
        permissions=token.permissions,
        run=token.run,
        subject=token.subject,
        rights=rights,
        subjects=frozenset(map(str, subjects)),
    )


def require(principal: Principal, permission: str) -> Principal:
    """Returns the principal as one that asks for `permission`: it sees that for which it has it.

    Raises Forbidden, naming the missing permission, if it has it nowhere.
    """
    if not principal.may(permission):
        whose = "The token" if principal.subject is None else "The account"
        raise Forbidden(f"{whose} {principal.name!r} lacks the permission {permission}.", permission=permission)
    return replace(principal, asked=permission)


def refuse_if_known(principal: Principal, thing: Scope) -> None:
    """Raises Forbidden, naming the missing permission, if the principal has other permissions at `thing`.

    Otherwise `thing` must not exist for it, and the caller raises NotFound.
    """
    if principal.rights is not None and principal.asked is not None and principal.reaches(thing):
        message = f"The account {principal.name!r} lacks the permission {principal.asked} at {thing}."
        raise Forbidden(message, permission=principal.asked)


def issue_token(
    organization: str,
    project: str,
    name: str,
    permissions: frozenset[str],
    created_by: str,
    now: datetime,
    expires_at: datetime | None = None,
    token_id: str | None = None,
    subject: str | None = None,
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
        subject=subject,
        made_with=made_with,
    )
    return token, format_token(token_id, secret)
