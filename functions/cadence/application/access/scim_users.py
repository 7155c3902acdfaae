"""Keeps the users of a provisioning service, and the members that they are."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.scim_groups import ScimGroups
from cadence.application.access.scim_ports import ScimStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.directory_server import DIRECTORY_IDENTITY
from cadence.domain.access.people import Member
from cadence.domain.access.scim import ScimUser, ScimUserAttributes, read_user
from cadence.domain.access.scim_filter import Condition
from cadence.domain.access.scim_patch import apply_patch, check_operations
from cadence.domain.shared.errors import Conflict, NotFound, Transient

_WRITE_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class ScimUsers:
    """Users of organizations. An active user is a member; a deactivated one was removed like any other member.

    Each change ends with the member and its teams, so that repeating a request completes it.
    """

    store: ScimStore
    people: PeopleStore
    manage: ManagePeople
    groups: ScimGroups
    clock: Clock

    def create(self, organization: str, document: dict[str, Any]) -> ScimUser:
        """Stores a new user, who becomes the member with the same address, or a new one.

        Raises InvalidRequest, and Conflict if there is a user of this name.
        """
        attributes = read_user(document)
        now = self.clock()
        adopted = self._same_person(organization, attributes) if attributes.active else None
        user = ScimUser(
            organization=organization,
            user_id=new_ulid(now),
            attributes=attributes,
            created_at=now,
            changed_at=now,
            member_id=(adopted or new_ulid(now)) if attributes.active else None,
            version=1,
        )
        try:
            self.store.put_user(user, None)
        except Conflict:
            raise _taken(attributes) from None
        self._carry_over(user)
        return user

    def get(self, organization: str, user_id: str) -> ScimUser:
        """Returns a user, active only if it is a member. Raises NotFound."""
        return self._as_it_is(self.store.get_user(organization, user_id))

    def find(self, organization: str, conditions: Collection[Condition]) -> Sequence[ScimUser]:
        """Returns the users for which all conditions hold, the oldest first."""
        named = next((one.value for one in conditions if one.attribute == "username"), None)
        if isinstance(named, str):
            # The question that provisioning services ask for each user is answered without reading all of them.
            one = self.store.find_user(organization, named)
            found = [self._as_it_is(one)] if one else []
        else:
            there = {member.member_id for member in self.people.list_members(organization)}
            found = [_active_if(user, user.member_id in there) for user in self.store.list_users(organization)]
        return [user for user in found if all(user.matches(condition) for condition in conditions)]

    def replace(self, organization: str, user_id: str, document: dict[str, Any]) -> ScimUser:
        """Replaces what a document says of a user. Raises NotFound, InvalidRequest, Conflict, Transient."""
        attributes = read_user(document)
        return self._change(organization, user_id, lambda user: attributes)

    def patch(self, organization: str, user_id: str, operations: object) -> ScimUser:
        """Carries out changes of a user. Raises NotFound, InvalidRequest, Conflict, Transient."""
        checked = check_operations(operations)
        return self._change(
            organization, user_id, lambda user: read_user(apply_patch(user.attributes.document(), checked))
        )

    def delete(self, organization: str, user_id: str) -> None:
        """Deletes a user; the member is removed. Raises NotFound, Transient."""
        for _ in range(_WRITE_ATTEMPTS):
            user = self.store.get_user(organization, user_id)
            self._remove_member(user)
            self.groups.drop_user(organization, user_id)
            try:
                self.store.delete_user(user)
            except Conflict:
                continue  # another request has changed it: it may be another member by now
            return
        raise _busy()

    def _change(self, organization: str, user_id: str, changed: Callable[[ScimUser], ScimUserAttributes]) -> ScimUser:
        for _ in range(_WRITE_ATTEMPTS):
            stored = self.store.get_user(organization, user_id)
            before = self._as_it_is(stored)
            after = replace(before, attributes=changed(before))
            if not after.attributes.active:
                # The member before the record: a request that is interrupted here is not taken for done.
                self._remove_member(stored)
                after = replace(after, member_id=None)
            elif not before.attributes.active:
                after = replace(after, member_id=new_ulid(self.clock()))
            if after != stored:
                after = replace(after, changed_at=self.clock(), version=stored.version + 1)
                try:
                    self.store.put_user(after, stored)
                except Conflict:
                    self._check_name(after)
                    continue
            self._carry_over(after)
            return after
        raise _busy()

    def _carry_over(self, user: ScimUser) -> None:
        """Creates or renames the member of an active user, and has it belong to the teams of the user's groups."""
        if user.member_id is None:
            return
        name, email = user.attributes.shown_name, user.attributes.address
        try:
            member = self.people.get_member(user.organization, user.member_id)
        except NotFound:
            member = Member(
                organization=user.organization,
                member_id=user.member_id,
                name=name,
                email=email,
                created_at=self.clock(),
            )
            with suppress(Conflict):  # another request has deactivated the user, or created the member
                self.store.put_member(user, member)
        else:
            if (member.name, member.email) != (name, email):
                with suppress(NotFound):  # it was removed meanwhile
                    self.people.rename_member(user.organization, user.member_id, name, email)
        self.groups.carry_over_user(user.organization, user.user_id)

    def _same_person(self, organization: str, attributes: ScimUserAttributes) -> str | None:
        """Returns the member with the user's address, if no other user is it.

        The address of a member that signs in through a directory of its own is not taken for a proof: in many
        directories people write their own.
        """
        address = attributes.address.lower()
        if not address:
            return None
        linked = {user.member_id for user in self.store.list_users(organization)}
        return next(
            (
                member.member_id
                for member in self.people.list_members(organization)
                if member.email.lower() == address
                and member.member_id not in linked
                and not (member.identity or "").startswith(DIRECTORY_IDENTITY)
            ),
            None,
        )

    def _remove_member(self, user: ScimUser) -> None:
        if user.member_id is None:
            return
        try:
            self.manage.remove_member(user.organization, user.member_id)
        except NotFound:
            return  # It was removed before.

    def _as_it_is(self, user: ScimUser) -> ScimUser:
        if user.member_id is None:
            return user
        try:
            self.people.get_member(user.organization, user.member_id)
        except NotFound:
            return _active_if(user, False)
        return user

    def _check_name(self, user: ScimUser) -> None:
        other = self.store.find_user(user.organization, user.attributes.user_name)
        if other is not None and other.user_id != user.user_id:
            raise _taken(user.attributes)


def _active_if(user: ScimUser, there: bool) -> ScimUser:
    return replace(user, attributes=replace(user.attributes, active=there))


def _busy() -> Transient:
    return Transient("The user is being changed by others. Try again.")


def _taken(attributes: ScimUserAttributes) -> Conflict:
    return Conflict(f"There is a user {attributes.user_name!r} already.")
