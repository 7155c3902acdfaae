"""Sets, lists and deletes the secrets of an organization, its teams and its pools."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import Directory
from cadence.application.shared.ports import Clock
from cadence.application.shared.secret_ports import SecretDescription, SecretStore
from cadence.domain.access.access import ALL_PROJECTS, Permission, Principal
from cadence.domain.access.given_projects import check_given, check_present
from cadence.domain.access.people import Subject, SubjectKind
from cadence.domain.access.scopes import ORGANIZATION, pool_scope
from cadence.domain.access.secret_owner import OF_ORGANIZATION, OwnerKind, SecretOwner
from cadence.domain.access.secret_source import SecretSource, SourcePrefixes
from cadence.domain.shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Violation


@dataclass(frozen=True, kw_only=True)
class SharedSecrets:
    """The use cases for secrets that no single project owns.

    A secret of the organization or a team is given to projects; one of a pool reaches what runs in the pool. To set or
    delete one takes `secrets:write` at its owner: at the organization, at the pool, or as a member of the team. To give
    one to a project takes `secrets:write` there too, since it decides what names in the project's documents mean.
    """

    secrets: SecretStore
    people: PeopleStore
    directory: Directory
    prefixes: SourcePrefixes
    clock: Clock

    def visible(self, by: Principal) -> Sequence[SecretDescription]:
        """Describes the secrets of the owners whose secrets `by` may read, by name."""
        described = self.secrets.shared(by.organization)
        seen = [one for one in described if _holds(by, one.owner, Permission.SECRETS_READ)]
        return sorted(seen, key=lambda one: (one.name, str(one.owner)))

    def put(
        self, by: Principal, owner: SecretOwner, name: str, value: str | SecretSource, projects: Sequence[str] | None
    ) -> SecretDescription:
        """Stores a new version of a secret.

        `projects` None leaves it given to those that it is given to; a new one of the organization is given to all.
        Raises NotFound and Forbidden as `by` may know of and do, InvalidRequest for a source that the owner may not
        read and for a team's new secret without projects, Conflict if another team gives one of that name.
        """
        self._check_owner(by, owner)
        if isinstance(value, SecretSource) and (
            refusal := self.prefixes.refusal(value, by.organization, ALL_PROJECTS, owner)
        ):
            raise InvalidRequest(refusal, [Violation("/source/name", refusal, "not_of_owner")])
        others = [one for one in self.secrets.shared(by.organization) if one.name == name]
        given: tuple[str, ...] = ()
        if owner.kind is not OwnerKind.POOL:
            given = _given(owner, others, projects)
            self._check_projects(by, given)
            _check_teams(owner, given, others)
        reference = owner.reference(name)
        return self.secrets.put(by.organization, ALL_PROJECTS, reference, value, self.clock(), projects=given)

    def delete(self, by: Principal, owner: SecretOwner, name: str) -> None:
        """Deletes a secret with all its versions. Raises NotFound and Forbidden as `put` does."""
        self._check_owner(by, owner)
        for one in self.secrets.shared(by.organization):
            if (one.owner, one.name) == (owner, name):
                self._check_projects(by, one.projects)
        self.secrets.delete(by.organization, ALL_PROJECTS, owner.reference(name))

    def remove_all(self, organization: str, owner: SecretOwner) -> None:
        """Deletes every secret of an owner that is deleted itself. Safe to repeat."""
        for one in self.secrets.shared(organization):
            if one.owner == owner:
                self.secrets.delete(organization, ALL_PROJECTS, owner.reference(one.name))

    def _check_owner(self, by: Principal, owner: SecretOwner) -> None:
        """Raises NotFound for an owner that `by` may not know of, Forbidden for one whose secrets it may not write."""
        if not _holds(by, owner, Permission.SECRETS_WRITE):
            if owner.kind is OwnerKind.TEAM or (
                owner.kind is OwnerKind.POOL and not by.reaches(pool_scope(owner.name))
            ):
                raise _missing(owner)
            raise Forbidden(f"Secrets of {owner.in_words} need secrets:write there.")
        try:
            if owner.kind is OwnerKind.TEAM:
                self.people.get_team(by.organization, owner.name)
            elif owner.kind is OwnerKind.POOL:
                self.directory.get_pool(by.organization, owner.name)
        except NotFound:
            raise _missing(owner) from None

    def _check_projects(self, by: Principal, projects: Sequence[str]) -> None:
        """Raises NotFound for a project that `by` may not know of, Forbidden for one whose secrets it may not write."""
        check_given(by, projects, Permission.SECRETS_WRITE, "a secret")
        check_present(projects, self.directory.list_projects(by.organization))


def _holds(by: Principal, owner: SecretOwner, permission: Permission) -> bool:
    """Whether `by` may read or write the secrets of an owner; members of a team write those of the team."""
    if owner.kind is OwnerKind.POOL:
        return by.has(permission, pool_scope(owner.name))
    if by.has(permission, ORGANIZATION):
        return True
    belongs = owner.kind is OwnerKind.TEAM and str(Subject(SubjectKind.TEAM, owner.name)) in by.subjects
    return belongs and not by.is_guest and by.may(permission)


def _given(owner: SecretOwner, others: Sequence[SecretDescription], projects: Sequence[str] | None) -> tuple[str, ...]:
    if projects is not None:
        return tuple(sorted(set(projects)))
    current = next((one for one in others if one.owner == owner), None)
    if current is not None:
        return current.projects
    if owner == OF_ORGANIZATION:
        return (ALL_PROJECTS,)
    message = "Name the projects that this secret of a team is given to (`projects`; `--give-to`)."
    raise InvalidRequest(message, [Violation("/projects", message, "required")])


def _check_teams(owner: SecretOwner, given: Sequence[str], others: Sequence[SecretDescription]) -> None:
    """Raises Conflict if two teams would give a project secrets of the same name."""
    for one in others:
        both = {one.owner.kind, owner.kind} == {OwnerKind.TEAM} and one.owner != owner
        shared = sorted(set(given) & set(one.projects))
        if both and (shared or ALL_PROJECTS in given or (ALL_PROJECTS in one.projects and given)):
            raise Conflict(
                f"Another team gives a secret named {one.name} to "
                f"{'project ' + shared[0] if shared and shared[0] != ALL_PROJECTS else 'the same projects'}. "
                "Use another name, or have that one given to other projects."
            )


def _missing(owner: SecretOwner) -> NotFound:
    return NotFound(f"There is no {owner.kind} {owner.name[:70]!r} here.")
