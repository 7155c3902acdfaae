"""Keeps the groups of a provisioning service, and the teams that follow them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.scim_ports import ScimStore
from cadence.application.access.team_groups import changed_memberships, follows
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.people import SCIM_SOURCE
from cadence.domain.access.scim import ScimGroup
from cadence.domain.access.scim_filter import Condition
from cadence.domain.access.scim_patch import apply_patch, check_operations
from cadence.domain.shared.errors import Conflict, NotFound, Transient

_WRITE_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class ScimGroups:
    """Groups of organizations. Each change ends with the teams, so that repeating a request completes it."""

    store: ScimStore
    people: PeopleStore
    clock: Clock

    def create(self, organization: str, document: dict[str, Any]) -> ScimGroup:
        """Stores a new group. Raises InvalidRequest, and Conflict for a display name that a group has already."""
        made = self._new(organization, document)
        if any(one.display_name == made.display_name for one in self.store.list_groups(organization)):
            raise Conflict(f"There is a group {made.display_name!r} already.")
        self.store.put_group(made, None)
        self.carry_over(organization, made.names)
        return made

    def find(self, organization: str, conditions: Collection[Condition]) -> Sequence[ScimGroup]:
        """Returns the groups for which all conditions hold, the oldest first."""
        return [
            group
            for group in self.store.list_groups(organization)
            if all(group.matches(condition) for condition in conditions)
        ]

    def get(self, organization: str, group_id: str) -> ScimGroup:
        """Returns a group. Raises NotFound."""
        return self.store.get_group(organization, group_id)

    def replace(self, organization: str, group_id: str, document: dict[str, Any]) -> ScimGroup:
        """Replaces what a document says of a group. Raises NotFound, InvalidRequest, Transient."""
        self._new(organization, document)  # which is refused if it is not valid, whether there is a group or not
        return self._change(organization, group_id, lambda group: document)

    def patch(self, organization: str, group_id: str, operations: object) -> ScimGroup:
        """Carries out changes of a group. Raises NotFound, InvalidRequest, Transient."""
        checked = check_operations(operations)
        return self._change(organization, group_id, lambda group: apply_patch(group.document(), checked))

    def delete(self, organization: str, group_id: str) -> None:
        """Deletes a group; its members leave the teams that follow it. Raises NotFound."""
        group = self.store.get_group(organization, group_id)
        if group.members:
            # The teams first: after the deletion nothing would tell which they were.
            group = self._change(organization, group_id, lambda one: {**one.document(), "members": []})
        else:
            self.carry_over(organization, group.names)
        self.store.delete_group(organization, group_id)

    def carry_over(self, organization: str, names: Collection[str]) -> None:
        """Has the teams that follow a group of one of these names consist of the members of the group.

        Begins again if groups or users have changed meanwhile: what it has written of the earlier ones may be the last.
        Raises Transient.
        """
        for _ in range(_WRITE_ATTEMPTS):
            if self._carried_over(organization, names):
                return
        raise _busy()

    def _carried_over(self, organization: str, names: Collection[str]) -> bool:
        """Returns whether what was read still held after the last write."""
        teams = [
            team for team in self.people.list_teams(organization) if team.group in names and follows(team, SCIM_SOURCE)
        ]
        if not teams:
            return True
        read = member_ids, groups = self._read(organization)
        members = self.people.list_members(organization)
        linked = frozenset(member_ids.values())
        has_written = False
        for team in teams:
            users = {user_id for group in groups if team.group in group.names for user_id in group.members}
            belonging = frozenset(member_ids[user_id] for user_id in users & member_ids.keys())
            for member_id, belongs in changed_memberships(members, team, belonging, linked):
                self._set_membership(organization, member_id, team.name, belongs)
                has_written = True
        return not has_written or self._read(organization) == read

    def _read(self, organization: str) -> tuple[Mapping[str, str], Sequence[ScimGroup]]:
        """Returns the ids of the members that users are, by the user's id, and the groups."""
        users = self.store.list_users(organization)
        member_ids = {user.user_id: user.member_id for user in users if user.member_id is not None}
        return member_ids, self.store.list_groups(organization)

    def carry_over_user(self, organization: str, user_id: str) -> None:
        """Carries over all groups of a user."""
        names = {
            name for group in self.store.list_groups(organization) if user_id in group.members for name in group.names
        }
        self.carry_over(organization, names)

    def drop_user(self, organization: str, user_id: str) -> None:
        """Removes a user, who is to be deleted, from all groups. Safe to repeat."""
        for group in self.store.list_groups(organization):
            if user_id in group.members:
                path = f'members[value eq "{user_id}"]'
                self.patch(organization, group.group_id, [{"op": "remove", "path": path}])

    def _new(self, organization: str, document: dict[str, Any]) -> ScimGroup:
        now = self.clock()
        return ScimGroup(
            organization=organization,
            group_id=new_ulid(now),
            display_name="",
            created_at=now,
            changed_at=now,
            version=1,
        ).with_document(document)

    def _change(self, organization: str, group_id: str, changed: Callable[[ScimGroup], dict[str, Any]]) -> ScimGroup:
        for _ in range(_WRITE_ATTEMPTS):
            before = self.store.get_group(organization, group_id)
            after = before.with_document(changed(before))
            if after != before:
                after = replace(after, changed_at=self.clock(), version=before.version + 1)
                try:
                    self.store.put_group(after, before)
                except Conflict:
                    continue
            # Also without a change: an interrupted request may have left the teams behind.
            self.carry_over(organization, before.names | after.names)
            return after
        raise _busy()

    def _set_membership(self, organization: str, member_id: str, team: str, belongs: bool) -> None:
        try:
            self.people.set_membership(organization, member_id, team, belongs=belongs)
        except NotFound:
            return  # The member was removed meanwhile.


def _busy() -> Transient:
    return Transient("The group is being changed by others. Try again.")
