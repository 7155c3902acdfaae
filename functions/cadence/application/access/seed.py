"""Creates what a new installation starts with, once, however often it is called."""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.access.authenticate import Authenticate, issue_token
from cadence.application.access.ports import Directory, TokenStore
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Organization, Permission, Project
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import Conflict, NotFound, Unauthenticated

ORGANIZATION = "default"
PROJECT = "default"
_CREATOR = "seed"


@dataclass(frozen=True)
class Seeded:
    """The texts of an administrator's token and of one with which hosts join the pool. None: not known here."""

    admin_token: str | None = None
    join_token: str | None = None


@dataclass(frozen=True)
class Seed:
    """Creates the first organization, project, pool and tokens."""

    directory: Directory
    tokens: TokenStore
    clock: Clock

    def seed(self, pool: Pool, known: Seeded | None = None, *, replace: bool = False) -> Seeded:
        """Ensures organization and project `default`, the pool (which may have been changed since) and both tokens.

        A known text that works is returned as it is. A token whose text is not known is left alone and returned as
        None, unless `replace`: then a new one is issued, and those of earlier calls stop working.
        """
        now = self.clock()
        with suppress(Conflict):
            self.directory.add_organization(Organization(ORGANIZATION, now))
        with suppress(Conflict):
            self.directory.add_project(Project(ORGANIZATION, PROJECT, now))
        try:
            self.directory.get_pool(ORGANIZATION, pool.name)
        except NotFound:
            self.directory.put_pool(pool)
        known = known or Seeded()
        return Seeded(
            admin_token=self._token("admin", ALL_PERMISSIONS, known.admin_token, replace=replace),
            join_token=self._token(f"join {pool.name}", Permission.HOSTS_JOIN, known.join_token, replace=replace),
        )

    def _token(self, name: str, permission: str, known: str | None, *, replace: bool) -> str | None:
        if known and self._works(known, permission):
            return known
        earlier = [
            token
            for token in self.tokens.list_tokens(ORGANIZATION)
            if token.name == name and token.created_by == _CREATOR
        ]
        if any(self._lives(token) for token in earlier) and not replace:
            return None
        token, text = issue_token(
            ORGANIZATION, ALL_PROJECTS, name, frozenset({permission}), _CREATOR, self.clock(), expires_at=None
        )
        # Stored before the old ones are deleted, so that a crash leaves one too many, never none.
        self.tokens.add_token(token)
        for replaced in earlier:
            self.tokens.delete_token(ORGANIZATION, replaced.token_id)
        return text

    def _works(self, text: str, permission: str) -> bool:
        try:
            return Authenticate(self.tokens, self.clock).authenticate(f"Bearer {text}").may(permission)
        except Unauthenticated:
            return False

    def _lives(self, token: ApiToken) -> bool:
        return token.expires_at is None or token.expires_at > self.clock()
