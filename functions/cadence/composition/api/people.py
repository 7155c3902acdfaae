"""Wiring of members, teams, service accounts, roles, grants and invitations, for the `api` Lambda."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.directory_servers import DynamoDirectoryServers, DynamoSignInAttempts
from cadence.adapters.dynamodb.access.identity_providers import DynamoIdentityProviders
from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.adapters.dynamodb.access.scim_store import DynamoScimStore
from cadence.adapters.dynamodb.deletion.erasure_store import DynamoErasureStore
from cadence.adapters.dynamodb.deletion.hold_store import DynamoHoldStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.access.approver_names import ApproverNames
from cadence.application.access.explain_access import ExplainAccess
from cadence.application.access.invitations import Invitations
from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.scim_groups import ScimGroups
from cadence.application.access.scim_users import ScimUsers
from cadence.application.access.sign_in_limits import SignInLimits
from cadence.application.deletion.erase_member import EraseMember
from cadence.application.deletion.erasure_ports import ErasureStore
from cadence.application.limits.ports import ApprovalLink
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.access.members import manage_people
from cadence.composition.shared.clock import now
from cadence.composition.shared.settings import ApiSettings
from cadence.domain.access.access import Principal
from cadence.domain.access.audit import AuditEntry
from cadence.domain.access.people import Subject, SubjectKind, holders
from cadence.domain.limits.approval import Approver
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class AuditedActor:
    """The name of an entry's actor, or of its token, and the address; each may be empty."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class People:
    """What the API's routes use."""

    store: DynamoPeopleStore
    providers: DynamoIdentityProviders
    directories: DynamoDirectoryServers
    access: DynamoAccessStore
    manage: ManagePeople
    roles: ManageRoles
    invitations: Invitations
    limits: SignInLimits
    explain: ExplainAccess
    approver_names: ApproverNames
    scim_users: ScimUsers
    scim_groups: ScimGroups
    erase: EraseMember
    erasures: ErasureStore

    def called(self, by: Principal, name: str) -> frozenset[str]:
        """Returns the ids (`member:ID`) of the members and former members who have a name; a guest finds none."""
        if by.is_guest:
            return frozenset()
        organization = by.organization
        names = {str(former.subject): former.name for former in self.store.list_former(organization)}
        names |= {str(member.subject): member.name for member in self.store.list_members(organization)}
        return frozenset(member for member, known in names.items() if known == name)

    def names_for(self, by: Principal, actors: Iterable[str]) -> Mapping[str, str]:
        """Returns the names of the members and former members among `actors`, by `member:ID`; in one read at most.

        A guest sees one project of another organization, and nothing of its people but their ids: it gets no names,
        whatever permission it has in that project.
        """
        if by.is_guest:
            return {}
        prefix = f"{SubjectKind.MEMBER}:"
        ids = [actor.removeprefix(prefix) for actor in actors if actor.startswith(prefix)]
        return {prefix + member: name for member, name in self.store.names_of(by.organization, ids).items()}

    def actors_of(self, by: Principal, entries: Sequence[AuditEntry]) -> Sequence[AuditedActor]:
        """Returns who made entries of the audit log, as far as `by` may know: of people, a guest sees only the ids."""
        names = self.names_for(by, (entry.actor for entry in entries))
        return [
            AuditedActor(entry.token_name or names.get(entry.actor, ""), "" if by.is_guest else entry.source)
            for entry in entries
        ]

    def maker(self, link: ApprovalLink) -> Approver | None:
        """Returns the member, service account or token that made a link, with its teams of now.

        None if it does not exist any more, or the token has expired.
        """
        teams: frozenset[str] = frozenset()
        try:
            if link.subject is None:
                lives = self.access.get_token(link.token_id).lives(now())
                return Approver.of_token(link.token_id, link.name) if lives else None
            subject = Subject.parse(link.subject)
            if subject.kind is SubjectKind.MEMBER:
                teams = self.store.get_member(link.organization, subject.name).teams
            else:
                self.store.get_service_account(link.organization, subject.name)
        except NotFound:
            return None
        names = frozenset(map(str, holders(subject, link.organization, teams, link.organization)))
        return Approver(actor=link.subject, author=link.name, names=names)


def people(config: ApiSettings, access: DynamoAccessStore) -> People:
    store = DynamoPeopleStore(config.access_table)
    manage = manage_people(config.access_table, access, store)
    provisioning = DynamoScimStore(config.access_table)
    erasures = DynamoErasureStore(config.access_table)
    groups = ScimGroups(store=provisioning, people=store, clock=now)
    return People(
        store=store,
        providers=DynamoIdentityProviders(config.access_table),
        directories=DynamoDirectoryServers(config.access_table, KmsCipher(config.secrets_key)),
        access=access,
        manage=manage,
        roles=manage.roles,
        invitations=Invitations(people=store, roles=manage.roles, manage=manage, clock=now),
        limits=SignInLimits(DynamoSignInAttempts(config.access_table, now)),
        explain=ExplainAccess(store, store),
        approver_names=ApproverNames(people=store, tokens=access),
        scim_users=ScimUsers(store=provisioning, people=store, manage=manage, groups=groups, clock=now),
        scim_groups=groups,
        erase=EraseMember(
            people=store,
            users=provisioning,
            manage=manage,
            holds=DynamoHoldStore(config.access_table),
            erasures=erasures,
            audit=DynamoAuditTrail(config.access_table),
            new_id=new_ulid,
            clock=now,
        ),
        erasures=erasures,
    )
