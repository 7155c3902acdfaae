"""Changes roles and grants, never beyond what the caller itself holds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from cadence.application.access.people_ports import PeopleStore, PolicyStore
from cadence.application.access.ports import Directory
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS, Permission, Principal
from cadence.domain.access.people import AccessPolicy, Grant, Subject, SubjectKind
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import ORGANIZATION, Scope, ScopeKind
from cadence.domain.shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Transient, Violation

_WRITE_ATTEMPTS = 8
_ID_LENGTH = 20


@dataclass(frozen=True, kw_only=True)
class ManageRoles:
    """Changes the access policy of an organization."""

    policies: PolicyStore
    people: PeopleStore
    directory: Directory
    clock: Clock

    def put_role(self, by: Principal, name: str, permissions: frozenset[str]) -> bool:
        """Creates or replaces an own role; returns True if it is new.

        Raises Conflict for the name of a built-in role, InvalidRequest for unknown permissions, Forbidden for
        permissions that `by` does not hold in the whole organization.
        """
        if name in BUILT_IN_ROLES:
            raise Conflict(f"The role {name} is built in and cannot be changed. Choose another name.")
        unknown = sorted(permissions - frozenset(Permission))
        if unknown:
            message = f"There is no permission {', '.join(unknown)}. There are: {', '.join(sorted(Permission))}."
            raise InvalidRequest(message, [Violation("/permissions", message, "unknown_permission")])
        lacking = [permission for permission in sorted(permissions) if not by.has(permission, ORGANIZATION)]
        if lacking:
            raise Forbidden(f"A role can have only permissions that its author holds. Missing: {', '.join(lacking)}.")
        before = self.change(by.organization, lambda policy: _with_role(policy, name, permissions))
        return name not in before.roles

    def delete_role(self, by: Principal, name: str) -> None:
        """Deletes an own role.

        Raises NotFound, Conflict for a built-in role and for one that is granted or in an open invitation.
        """
        if name in BUILT_IN_ROLES:
            raise Conflict(f"The role {name} is built in and cannot be deleted.")

        def without(policy: AccessPolicy) -> AccessPolicy:
            if name not in policy.roles:
                raise NotFound(f"There is no role {name!r} here.")
            granted = sum(grant.role == name for grant in policy.grants)
            if granted:
                raise Conflict(f"The role {name} is granted {granted} times. Delete these grants first.")
            return replace(policy, roles={role: held for role, held in policy.roles.items() if role != name})

        if any(invitation.role == name for invitation in self.people.list_invitations(by.organization)):
            raise Conflict(f"The role {name} is offered by an open invitation. Delete the invitation first.")
        self.change(by.organization, without)

    def grant(self, by: Principal, subject: Subject, role: str, scope: Scope) -> tuple[Grant, bool]:
        """Grants a role. Returns the grant, and True if it is new; the same grant twice is one.

        Raises NotFound for an unknown subject or scope, InvalidRequest for an unknown role, Forbidden for permissions
        that `by` does not hold at the scope.
        """
        self.check_grantable(by, role, scope)
        self._check_subject(by.organization, subject)
        made = self.made(by, subject, role, scope)
        before = self.change(by.organization, lambda policy: _with_grant(policy, made))
        earlier = next((grant for grant in before.grants if grant.grant_id == made.grant_id), None)
        return earlier or made, earlier is None

    def made(self, by: Principal, subject: Subject, role: str, scope: Scope) -> Grant:
        """Returns a grant as it is stored. Its id is derived from subject, role and scope."""
        key = "\0".join((str(subject), role, str(scope)))
        return Grant(
            grant_id=hashlib.sha256(key.encode()).hexdigest()[:_ID_LENGTH],
            subject=subject,
            role=role,
            scope=scope,
            created_at=self.clock(),
            created_by=by.actor_id,
        )

    def add(self, organization: str, grant: Grant) -> None:
        """Stores a grant that was checked earlier, such as that of an invitation. Safe to repeat."""
        self.change(organization, lambda policy: _with_grant(policy, grant))

    def revoke(self, by: Principal, grant_id: str) -> None:
        """Deletes a grant, from now on.

        Raises NotFound for one that does not exist, or whose scope `by` may not change.
        """

        def without(policy: AccessPolicy) -> AccessPolicy:
            grant = next((one for one in policy.grants if one.grant_id == grant_id), None)
            if grant is None or not by.covers(grant.scope):
                raise NotFound(f"There is no grant {grant_id[:70]!r} here.")
            return replace(policy, grants=tuple(one for one in policy.grants if one.grant_id != grant_id))

        self.change(by.organization, without)

    def remove_subject(self, organization: str, subject: Subject) -> None:
        """Deletes all grants of a subject. Safe to repeat."""
        self.change(organization, lambda policy: policy.without(lambda grant: grant.subject == subject))

    def remove_scope(self, organization: str, scope: Scope) -> None:
        """Deletes all grants at a scope. Safe to repeat."""
        self.change(organization, lambda policy: policy.without(lambda grant: grant.scope == scope))

    def check_grantable(self, by: Principal, role: str, scope: Scope) -> None:
        """Checks that `by` may give a role at a scope.

        Raises InvalidRequest for an unknown role, NotFound for a scope that does not exist or where `by` has nothing,
        Forbidden for permissions that it does not hold there.
        """
        if not by.covers(scope):
            if by.reaches(scope):
                raise Forbidden(f"{by.name!r} lacks the permission {by.asked} at {scope}.", permission=by.asked)
            raise NotFound(f"There is no {scope} here.")
        self._check_scope(by.organization, scope)
        policy = self.policies.get_policy(by.organization)
        if role not in BUILT_IN_ROLES and role not in policy.roles:
            message = f"There is no role {role!r}. There are: {', '.join(sorted({*BUILT_IN_ROLES, *policy.roles}))}."
            raise InvalidRequest(message, [Violation("/role", message, "unknown_role")])
        if not by.outranks(policy.permissions(role), scope):
            raise Forbidden(f"A role can be granted only by those who hold all of its permissions at {scope}.")

    def check_team(self, by: Principal, team: str) -> None:
        """Checks that `by` may add members to a team. Raises NotFound, Forbidden if it holds less than the team."""
        self.check_outranks(by, self._team(by.organization, team))

    def check_everything(self, by: Principal) -> None:
        """Raises Forbidden unless `by` holds everything that a role can give in the whole organization."""
        if not by.outranks(BUILT_IN_ROLES["admin"], ORGANIZATION):
            raise Forbidden("Only those with the role admin for the whole organization can do this.")

    def check_outranks(self, by: Principal, subject: Subject) -> None:
        """Raises Forbidden unless `by` itself holds everything that is granted to the subject."""
        for right in self.policies.get_policy(by.organization).rights([subject]):
            if not by.outranks(right.permissions, right.scope):
                message = (
                    f"{subject} has the role {right.role} at {right.scope}, which {by.name!r} does not hold in full."
                )
                raise Forbidden(message)

    def change(
        self,
        organization: str,
        changed: Callable[[AccessPolicy], AccessPolicy],
        store: Callable[[AccessPolicy], object] | None = None,
    ) -> AccessPolicy:
        """Replaces the policy by what `changed` returns, and returns the one before. Raises Transient.

        `store` stores it instead of the store of policies, together with something else, and raises the same.
        """
        for _ in range(_WRITE_ATTEMPTS):
            before = self.policies.get_policy(organization)
            after = changed(before)
            if after == before:
                return before
            try:
                (store or self.policies.put_policy)(replace(after, version=before.version + 1))
            except Conflict:
                continue
            return before
        raise Transient("Grants are being changed by others. Try again.")

    def _check_subject(self, organization: str, subject: Subject) -> None:
        if subject.organization is not None:
            message = "A team of another organization is invited: its organization has to accept."
            raise InvalidRequest(message, [Violation("/subject", message, "bad_subject")])
        if subject.kind is SubjectKind.MEMBER:
            self.people.get_member(organization, subject.name)
        elif subject.kind is SubjectKind.TEAM:
            self._team(organization, subject.name)
        else:
            self.people.get_service_account(organization, subject.name)

    def _team(self, organization: str, name: str) -> Subject:
        try:
            return self.people.get_team(organization, name).subject
        except NotFound as error:
            raise NotFound(f"{error.message} `cadence team create {name[:70]}` creates it.") from None

    def _check_scope(self, organization: str, scope: Scope) -> None:
        if scope.kind is ScopeKind.POOL:
            self.directory.get_pool(organization, scope.name or "")
        elif scope.project not in (None, ALL_PROJECTS):
            self.directory.get_project(organization, scope.project or "")


def _with_role(policy: AccessPolicy, name: str, permissions: frozenset[str]) -> AccessPolicy:
    return replace(policy, roles={**policy.roles, name: permissions})


def _with_grant(policy: AccessPolicy, made: Grant) -> AccessPolicy:
    if any(grant.grant_id == made.grant_id for grant in policy.grants):
        return policy
    return replace(policy, grants=(*policy.grants, made))
