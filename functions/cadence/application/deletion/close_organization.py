"""Removes what lets somebody act in an organization or for it, before everything that is stored of it is removed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import Directory, TokenStore
from cadence.application.deletion.ports import POOL, TOKEN, DeletionNotes, DeletionStore, ProjectSources
from cadence.application.placement.ports import PoolRecords
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.people import AccessPolicy
from cadence.domain.deletion.project_deletion import ProjectDeletion
from cadence.domain.placement.pool import HOST, Pool
from cadence.domain.shared.errors import Conflict, NotFound

# The sweeper visits each pool more often than this.
_RECENT_SWEEP = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class CloseOrganization(ProjectSources):
    """Implements ProjectSources for organizations.

    No token of an organization under deletion is accepted. What others have granted to its teams ends here; its
    projects are deleted one by one, as if each had been requested.
    """

    notes: DeletionNotes
    deletions: DeletionStore
    directory: Directory
    tokens: TokenStore
    people: PeopleStore
    roles: ManageRoles
    pools: PoolRecords
    new_id: Callable[[datetime], str]
    clock: Clock
    delay: timedelta

    def close(self, organization: str, project: str) -> tuple[Mapping[str, int], Sequence[str]]:
        counts: Counter[str] = Counter()
        counts["tokens"] = self._revoke_tokens(organization)
        for other in self.directory.list_organizations():
            if other.name != organization:
                counts["grants in other organizations"] += self._revoke_grants(other.name, organization)
                counts["invitations of other organizations"] += self._withdraw_invitations(other.name, organization)
        self._mark_projects(organization)
        return dict(+counts), self._close_pools(organization)

    def end_runs(self, organization: str, project: str, cause: str) -> int:
        return len(self.directory.list_projects(organization))

    def _revoke_tokens(self, organization: str) -> int:
        theirs = [token.token_id for token in self.tokens.list_tokens(organization)]
        self.notes.note(organization, ALL_PROJECTS, TOKEN, theirs)
        for token_id in theirs:
            self.tokens.delete_token(organization, token_id)
        return len(theirs)

    def _revoke_grants(self, other: str, organization: str) -> int:
        def without(policy: AccessPolicy) -> AccessPolicy:
            kept = tuple(grant for grant in policy.grants if grant.subject.organization != organization)
            return policy if len(kept) == len(policy.grants) else replace(policy, grants=kept)

        before = self.roles.change(other, without)
        return sum(grant.subject.organization == organization for grant in before.grants)

    def _withdraw_invitations(self, other: str, organization: str) -> int:
        theirs = [
            invitation
            for invitation in self.people.list_invitations(other)
            if (invitation.team or "").startswith(f"{organization}/")
        ]
        for invitation in theirs:
            with suppress(NotFound):  # it was accepted or withdrawn at this moment
                self.people.take_invitation(other, invitation.invitation_id)
        return len(theirs)

    def _mark_projects(self, organization: str) -> None:
        """Marks the projects that a request which went on at the same time has created."""
        now = self.clock()
        for project in self.directory.list_projects(organization):
            if project.deletion is None:
                deletion = ProjectDeletion(
                    deletion_id=self.new_id(now),
                    organization=organization,
                    project=project.name,
                    requested_at=now,
                    requested_by="deletion of the organization",
                    removes_from=now + self.delay,
                )
                with suppress(Conflict):  # it was marked at this moment
                    self.deletions.request(deletion)

    def _close_pools(self, organization: str) -> Sequence[str]:
        """Lets no pool keep machines warm; after all work, returns sentences about machines that may be left."""
        pools = self.directory.list_pools(organization)
        self.notes.note(organization, ALL_PROJECTS, POOL, [pool.name for pool in pools])
        for pool in pools:
            if pool.policy.warm:
                with suppress(Conflict):  # it was removed at this moment
                    self.directory.replace_pool(replace(pool, policy=replace(pool.policy, warm=())))
        if self.directory.list_projects(organization):
            return []
        return [
            f"Machines of the pool {pool.name} ({pool.provider}) may still exist: look for them there."
            for pool in pools
            if pool.provider != HOST and not self._has_no_machines(pool)
        ]

    def _has_no_machines(self, pool: Pool) -> bool:
        sweep = self.pools.sweep(pool.organization, pool.name)
        is_recent = sweep is not None and self.clock() - sweep.at < _RECENT_SWEEP
        active = self.pools.active(pool.organization, pool.name)
        return is_recent and sweep is not None and sweep.seen == sweep.ended and not list(active)
