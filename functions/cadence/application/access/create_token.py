"""Issues tokens for others, never more powerful or longer than the principal that requests them; revokes tokens."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.authenticate import issue_token
from cadence.application.access.ports import Directory, TokenPolicyStore, TokenStore
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Permission, Principal
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated, Violation

_ENDED = "The token that this was asked with has been revoked or has expired."
_KNOWN = frozenset(Permission) | {ALL_PERMISSIONS}


@dataclass(frozen=True)
class CreateToken:
    """Issues tokens."""

    directory: Directory
    tokens: TokenStore
    policies: TokenPolicyStore
    clock: Clock

    def create(
        self, by: Principal, name: str, project: str, permissions: frozenset[str], lifetime: timedelta | None
    ) -> tuple[ApiToken, str]:
        """Returns the token and its text. It lives no longer than the token of `by`, and than the organization
        allows, whatever `lifetime` is.

        Raises InvalidRequest for unknown permissions, NotFound for an unknown project, Forbidden for more than `by`
        itself holds, Unauthenticated if the token of `by` ends at the same time.
        """
        unknown = sorted(permissions - _KNOWN)
        if unknown:
            message = f"There is no permission {', '.join(unknown)}. There are: {', '.join(sorted(Permission))}, and *."
            raise InvalidRequest(message, [Violation("/permissions", message, "unknown_permission")])
        if project != ALL_PROJECTS:
            if not by.sees_within(by.organization, project):
                raise NotFound(f"There is no project {project!r} here.")
            self.directory.get_project(by.organization, project)
        if not by.may_grant(project, permissions):
            raise Forbidden("A token can be given only projects and permissions that its creator holds.")
        now = self.clock()
        maker = self._maker(by)
        allowed = self.policies.get_token_policy(by.organization).end(now, lifetime)
        ends = [at for at in (maker.expires_at, allowed) if at]
        token, text = issue_token(
            by.organization,
            project,
            name,
            permissions,
            by.author,
            now,
            min(ends, default=None),
            subject=by.subject,
            made_with=maker.token_id,
        )
        self.tokens.add_token(token)
        try:
            # Who revokes the maker first ends it, and then looks for what it made: either sees the other.
            self._maker(by)
        except Unauthenticated:
            self.tokens.delete_token(token.organization, token.token_id)
            raise
        return token, text

    def _maker(self, by: Principal) -> ApiToken:
        try:
            maker = self.tokens.get_token(by.token_id)
        except NotFound:
            raise Unauthenticated(_ENDED) from None
        if not maker.lives(self.clock()):
            raise Unauthenticated(_ENDED)
        return maker


@dataclass(frozen=True)
class RevokeToken:
    """Revokes tokens."""

    tokens: TokenStore
    clock: Clock

    def revoke(self, token: ApiToken) -> None:
        """Revokes a token and all that were created with it, and with those. Safe to repeat after a crash."""
        try:
            self.tokens.end_token(token.organization, token.token_id, self.clock())
        except NotFound:
            return
        known = self.tokens.list_tokens(token.organization)
        descendants, makers = list[ApiToken](), {token.token_id}
        while made := [one for one in known if one.made_with in makers]:
            descendants += made
            makers = {one.token_id for one in made}
            # Refused at once, and they make no others from now on.
            for one in made:
                with suppress(NotFound):
                    self.tokens.end_token(one.organization, one.token_id, self.clock())
            known = self.tokens.list_tokens(token.organization)
        # The youngest first: until it is gone itself, a token leads to those that it made.
        for one in (*reversed(descendants), token):
            self.tokens.delete_token(one.organization, one.token_id)
