"""Issues tokens for others, never more powerful than the principal that requests them."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.authenticate import issue_token
from cadence.application.access.ports import Directory, TokenStore
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Permission, Principal
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, Violation

_KNOWN = frozenset(Permission) | {ALL_PERMISSIONS}


@dataclass(frozen=True)
class CreateToken:
    """Issues tokens."""

    directory: Directory
    tokens: TokenStore
    clock: Clock

    def create(
        self, by: Principal, name: str, project: str, permissions: frozenset[str], lifetime: timedelta | None
    ) -> tuple[ApiToken, str]:
        """Returns the token and its text.

        Raises InvalidRequest for unknown permissions, NotFound for an unknown project, Forbidden for more than `by`
        itself holds.
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
        expires_at = now + lifetime if lifetime else None
        token, text = issue_token(
            by.organization, project, name, permissions, by.author, now, expires_at, subject=by.subject
        )
        self.tokens.add_token(token)
        return token, text
