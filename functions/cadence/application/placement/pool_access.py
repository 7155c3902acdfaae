"""Decides who may create and change a pool, and which projects and teams a pool is given to."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.people_ports import PeopleStore
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.given_projects import check_given, check_present
from cadence.domain.access.people import AccessPolicy, Grant, Subject, SubjectKind
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import pool_scope, project_scope
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import Conflict, Forbidden, NotFound

TEAM_ROLE = "maintainer"
"""The role that a team gets at a pool that is given to it."""


@dataclass(frozen=True)
class PoolAccess:
    """The use cases for who has a pool.

    A pool is given to projects by its list, and to teams by grants at the pool. Creating a pool takes `pools:write` at
    the organization, changing it takes that at the pool. Members of a team create pools for the team, too. To give a
    pool to a project takes `pools:write` there as well: its machines then receive what the project's treatments use.
    """

    roles: ManageRoles
    people: PeopleStore

    def check(self, by: Principal, pool: Pool, stored: Pool | None, team: str | None) -> None:
        """Checks that `by` may store a pool in place of `stored` (None: there is none), and give it to `team`.

        Raises Forbidden and NotFound as `by` may do and know of.
        """
        if team is not None:
            self._check_team(by, pool, stored, team)
        if not by.has(Permission.POOLS_WRITE, pool_scope(pool.name)) and (team is None or stored is not None):
            raise Forbidden(
                f"Creating pool {pool.name} needs pools:write at the organization, or a team of yours to create it for "
                "(`team`; `--team`), and changing it pools:write at the pool."
            )
        added = {project for project in pool.projects if stored is None or not stored.serves(project)}
        check_given(by, sorted(added), Permission.POOLS_WRITE, "a pool")
        # Those that the pool has already may have been deleted since: it can be sent back as it is.
        new = set(pool.projects) - set(stored.projects if stored else ())
        if new:
            check_present(sorted(new), self.roles.directory.list_projects(by.organization))

    def create(self, by: Principal, pool: Pool, team: str | None) -> None:
        """Creates a pool and gives it to `team` in one step; `check` comes first. Raises Conflict if it exists.

        A removal that failed half-way may have left grants at an earlier pool of its name, which end in this step, too.
        """
        scope = pool_scope(pool.name)
        made = () if team is None else (self._grant(by, pool.name, team),)
        results = []

        def given(policy: AccessPolicy) -> AccessPolicy:
            left = policy.without(lambda one: one.scope == scope)
            return replace(left, grants=(*left.grants, *made))

        def store(policy: AccessPolicy) -> None:
            results.append(self.roles.directory.create_pool(pool, policy))

        self.roles.change(pool.organization, given, store)
        if not results:  # there was no grant to end or to give
            results.append(self.roles.directory.create_pool(pool))
        if not any(results):
            raise Conflict(f"Pool {pool.name} was created by another request at this moment. See what it is now.")

    def _grant(self, by: Principal, pool: str, team: str) -> Grant:
        return self.roles.made(by, Subject(SubjectKind.TEAM, team), TEAM_ROLE, pool_scope(pool))

    def give(self, by: Principal, pool: str, team: str) -> None:
        """Gives a pool to a team, whose members then maintain it. `check` comes first. Safe to repeat."""
        self.roles.add(by.organization, self._grant(by, pool, team))

    def grants(self, organization: str, pool: str) -> Sequence[Grant]:
        """Returns what teams of the organization have at a pool, by the name of the team."""
        granted = self.roles.policies.get_policy(organization).grants
        teams = [
            one
            for one in granted
            if one.scope == pool_scope(pool)
            and one.subject.kind is SubjectKind.TEAM
            and one.subject.organization is None
        ]
        return sorted(teams, key=lambda one: (one.subject.name, one.role))

    def forget(self, organization: str, pool: str) -> None:
        """Ends grants at a pool that is deleted, and invitations to it: a later one of its name gives nothing to them.

        Safe to repeat.
        """
        scope = pool_scope(pool)
        for invitation in self.people.list_invitations(organization):
            if invitation.scope == scope:
                with suppress(NotFound):  # it was accepted at this moment: its grant goes with the others
                    self.people.take_invitation(organization, invitation.invitation_id)
        self.roles.remove_scope(organization, scope)

    def _check_team(self, by: Principal, pool: Pool, stored: Pool | None, team: str) -> None:
        """Raises NotFound for a team that `by` may not know of, Forbidden if `by` may not make it maintain the pool.

        A member without the role makes its team maintain a new pool only: one that exists has secrets of others.
        """
        subject, scope = Subject(SubjectKind.TEAM, team), pool_scope(pool.name)
        permissions = BUILT_IN_ROLES[TEAM_ROLE]
        missing = NotFound(f"There is no team {team!r} here.")
        if not by.outranks(permissions, scope):
            if by.is_guest or str(subject) not in by.subjects:
                raise missing
            if not by.own.allows(Permission.POOLS_WRITE, scope):
                raise Forbidden("This token is limited to a project or lacks pools:write: it cannot create pools.")
            if stored is not None:
                raise Forbidden(f"Giving pool {pool.name} to a team takes the role {TEAM_ROLE} at the pool.")
            lacking = [one for one in pool.projects if not by.outranks(permissions, project_scope(one))]
            if lacking:
                where = "the organization" if lacking[0] == "*" else f"project {lacking[0]}"
                message = f"Giving a pool to a team takes the role {TEAM_ROLE} at each project that it serves: {where}."
                raise Forbidden(message)
        try:
            self.people.get_team(by.organization, team)
        except NotFound:
            raise missing from None
