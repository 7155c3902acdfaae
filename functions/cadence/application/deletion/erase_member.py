"""Erases what is stored of a person.

Everything refers to a member by an id. The name and the addresses are in a few items of the organization only; without
them the id is a pseudonym that leads to nobody, and the records that have it, hash chain included, stay as they are.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import AuditTrail
from cadence.application.access.scim_ports import ScimStore
from cadence.application.deletion.erasure_ports import ErasureStore
from cadence.application.deletion.hold_ports import HoldStore
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.people import FormerMember, Invitation, Member, Subject, SubjectKind
from cadence.domain.access.scim import ScimUser
from cadence.domain.deletion.legal_hold import hold_against_deleting
from cadence.domain.deletion.member_erasure import MemberErasure
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Violation


@dataclass(frozen=True)
class StoredPerson:
    """What is stored of a person. `member` is None once the member was removed, `former` before that."""

    member: Member | None
    former: FormerMember | None
    users: Sequence[ScimUser]
    invitations: Sequence[Invitation]
    tokens: int
    grants: int

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of things by kind, without kinds of which there is none."""
        numbers = {
            "members": int(self.member is not None),
            "names of former members": int(self.former is not None),
            "provisioned users": len(self.users),
            "invitations": len(self.invitations),
            "tokens with their sessions": self.tokens,
            "grants": self.grants,
        }
        return {kind: number for kind, number in numbers.items() if number}


@dataclass(frozen=True, kw_only=True)
class EraseMember:
    """Erases members and former members. Each step may be repeated: another call continues an interrupted one."""

    people: PeopleStore
    users: ScimStore
    manage: ManagePeople
    holds: HoldStore
    erasures: ErasureStore
    audit: AuditTrail
    new_id: Callable[[datetime], str]
    clock: Clock

    def look(self, organization: str, member_id: str) -> StoredPerson:
        """Returns what is stored of a person; nothing is changed. Raises NotFound."""
        found = self._stored(organization, member_id)
        if not found.counts:
            raise NotFound(f"Nothing is stored of a member {member_id!r} here.")
        return found

    def erase(self, by: Principal, organization: str, member_id: str, confirmed: str | None) -> MemberErasure:
        """Erases a person and returns the certificate.

        Raises InvalidRequest unless `confirmed` is the member's id, NotFound, Conflict while a legal hold is on.
        """
        begun = [one for one in self.erasures.list(organization) if one.member_id == member_id and not one.finished_at]
        found = self._stored(organization, member_id) if begun else self.look(organization, member_id)
        if confirmed != member_id:
            message = (
                "Erasing a person removes the name, addresses, tokens and invitations for good. Send the member's id as "
                "`confirm` to erase it; GET on the same path shows what would be removed."
            )
            raise InvalidRequest(message, [Violation("confirm", message, "not_confirmed")])
        self._refuse_if_held(organization)
        now = self.clock()
        erasure = (
            begun[0]
            if begun
            else MemberErasure(
                erasure_id=self.new_id(now),
                organization=organization,
                member_id=member_id,
                requested_at=now,
                requested_by=by.actor_id,
                removed=found.counts,
            )
        )
        self.erasures.put(erasure)
        for user in found.users:
            self.users.delete_user(user)
        for invitation in found.invitations:
            with suppress(NotFound):  # it was accepted or deleted meanwhile
                self.people.take_invitation(organization, invitation.invitation_id)
        with suppress(NotFound):  # it was removed before: what an interrupted call has left goes now
            self.manage.remove_member(organization, member_id)
        self.people.forget_former(organization, member_id)
        finished = replace(erasure, finished_at=self.clock())
        self._note(finished)
        self.erasures.put(finished)
        return finished

    def _stored(self, organization: str, member_id: str) -> StoredPerson:
        subject = Subject(SubjectKind.MEMBER, member_id)
        try:
            member = self.people.get_member(organization, member_id)
        except NotFound:
            member = None
        former = next((one for one in self.people.list_former(organization) if one.member_id == member_id), None)
        addresses = frozenset(one.email.casefold() for one in (member, former) if one is not None and one.email)
        return StoredPerson(
            member=member,
            former=former,
            users=[
                user
                for user in self.users.list_users(organization)
                if user.member_id == member_id or (user.member_id is None and addresses & _addresses(user))
            ],
            invitations=[
                one
                for one in self.people.list_invitations(organization)
                if one.created_by == str(subject) or (one.email or "").casefold() in addresses
            ],
            tokens=sum(
                str(subject) in (token.subject, token.created_by)
                for token in self.manage.tokens.list_tokens(organization)
            ),
            grants=sum(
                grant.subject == subject for grant in self.manage.roles.policies.get_policy(organization).grants
            ),
        )

    def _refuse_if_held(self, organization: str) -> None:
        hold = hold_against_deleting(self.holds.list(organization), organization)
        if hold is not None:
            raise Conflict(
                f"{hold.notice}: names of those who may have acted there are kept. `cadence member delete` ends all "
                "access at once and keeps the name; erase the person when no hold is on."
            )

    def _note(self, erasure: MemberErasure) -> None:
        """Adds the end of the erasure to the audit log, once."""
        entry = AuditEntry(
            organization=erasure.organization,
            project=ALL_PROJECTS,
            at=self.clock(),
            kind=AuditKind.CHANGE,
            actor=erasure.requested_by,
            token_id="",
            token_name="",
            action="erase_member",
            target=f"/v1/member-erasures/{erasure.erasure_id}",
            outcome="erased",
            request=erasure.erasure_id,
        )
        self.audit.note_once(entry, f"ERASURE#{erasure.erasure_id}", timedelta(days=1))


def _addresses(user: ScimUser) -> frozenset[str]:
    own = user.attributes
    return frozenset(text.casefold() for text in (own.user_name, *(email.value for email in own.emails)))
