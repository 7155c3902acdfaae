"""The port over users and groups that a provisioning service keeps."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.access.people import Member
from cadence.domain.access.scim import ScimGroup, ScimUser


class ScimStore(Protocol):
    """Users and groups of organizations, as a provisioning service has sent them."""

    def put_user(self, user: ScimUser, before: ScimUser | None) -> None:
        """Stores a user in place of `before`, and claims its name. A member that it is no longer is deleted with that.

        Raises Conflict if another user has the name, or the stored user is not `before`.
        """

    def put_member(self, user: ScimUser, member: Member) -> None:
        """Stores the member that a user is. Raises Conflict if it is not, or no longer, this one."""

    def get_user(self, organization: str, user_id: str) -> ScimUser:
        """Returns a user. Raises NotFound."""

    def find_user(self, organization: str, user_name: str) -> ScimUser | None:
        """Returns the user of a name, whose case does not matter."""

    def list_users(self, organization: str) -> Sequence[ScimUser]:
        """Returns the users of the organization, the oldest first."""

    def delete_user(self, user: ScimUser) -> None:
        """Deletes a user with the member that it is, and frees its name.

        Raises Conflict if the stored user is not `user`.
        """

    def put_group(self, group: ScimGroup, before: ScimGroup | None) -> None:
        """Stores a group in place of `before`. Raises Conflict if the stored group is not `before`."""

    def get_group(self, organization: str, group_id: str) -> ScimGroup:
        """Returns a group. Raises NotFound."""

    def list_groups(self, organization: str) -> Sequence[ScimGroup]:
        """Returns the groups of the organization, the oldest first."""

    def delete_group(self, organization: str, group_id: str) -> None:
        """Deletes a group. Deleting an absent one is no error."""
