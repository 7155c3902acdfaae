"""Decides whether a permission holds at a scope, and names the grant that allows it or those that come nearest.

Rights add up: what one grant allows, no other can take away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cadence.domain.access.scopes import Scope

ALL_PERMISSIONS = "*"
# A permission that contains another, by the other.
CONTAINED_IN = {"runs:start-stored": "runs:start"}

_MOST_NEAREST = 5


@dataclass(frozen=True, kw_only=True)
class Right:
    """Permissions at a scope. `grant_id`, `subject` and `role` name where they come from."""

    grant_id: str
    subject: str
    role: str
    scope: Scope
    permissions: frozenset[str]

    def has(self, permission: str) -> bool:
        """Whether the permission is among those of this right, at whatever scope."""
        wider = CONTAINED_IN.get(permission, permission)
        return not self.permissions.isdisjoint({ALL_PERMISSIONS, permission, wider})

    def allows(self, permission: str, thing: Scope) -> bool:
        """Whether this right alone allows the permission at `thing`."""
        return self.has(permission) and self.scope.covers(thing)


@dataclass(frozen=True)
class AccessAllowed:
    """The answer that a permission holds, with the right that it comes from."""

    by: Right


@dataclass(frozen=True)
class AccessRefused:
    """The answer that a permission does not hold, with the rights that come nearest, the nearest first."""

    reason: str
    nearest: tuple[Right, ...] = ()


def decide(
    rights: Sequence[Right], permission: str, thing: Scope, cap: Right | None = None
) -> AccessAllowed | AccessRefused:
    """Decides whether `rights` allow `permission` at `thing`.

    `cap` is the limit of a token: what it does not allow is refused whatever the rights are.
    """
    if cap is not None and not cap.allows(permission, thing):
        return AccessRefused(f"The token itself does not allow {permission} at {thing}.", (cap,))
    for right in rights:
        if right.allows(permission, thing):
            return AccessAllowed(right)
    nearest = nearest_rights(rights, permission, thing)
    if not nearest:
        return AccessRefused(f"No grant concerns {thing} or has {permission}.")
    return AccessRefused(f"No grant allows {permission} at {thing}.", nearest)


def nearest_rights(rights: Iterable[Right], permission: str, thing: Scope) -> tuple[Right, ...]:
    """Returns rights that lack only the permission, then those that lack only the scope, at most five."""
    listed = tuple(rights)
    without_permission = [right for right in listed if right.scope.covers(thing) and not right.has(permission)]
    elsewhere = [right for right in listed if right.has(permission) and not right.scope.covers(thing)]
    return tuple([*without_permission, *elsewhere][:_MOST_NEAREST])
