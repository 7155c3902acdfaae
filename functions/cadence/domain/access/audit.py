"""Entries of the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cadence.domain.access.access import ALL_PROJECTS, Principal

KEPT = timedelta(days=365)
ACCEPTED: Final = "accepted"
"""The outcome of what was permitted. If it is refused later, a second entry of the same request has the reason."""

LONGEST_TARGET: Final = 1_000


class AuditKind(StrEnum):
    """What an entry is about."""

    CHANGE = "change"
    SIGN_IN = "sign-in"
    REFUSAL = "refusal"
    SECRET = "secret"  # noqa: S105 - a kind of entry, no secret
    VALUE = "value"


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A record of one action; entries are added and never changed.

    `actor` is the id of a member or service account (`member:ID`), of a token that has neither, or of a runner;
    `token_id` and `token_name` are the token's. A member's name is not in it, but found by the id, since a name may
    have to be erased. `action` is the operation's name in the API, `target` the path of the request. `outcome` is
    `accepted` or the code of the error that refused it, `request` is the same in all entries of one request, `source`
    the address that it came from. Nothing of a request's body is kept, and no secret's value.
    `project` is `*` for what concerns the whole organization.
    """

    organization: str
    project: str
    at: datetime
    kind: AuditKind
    actor: str
    token_id: str
    token_name: str
    action: str
    target: str
    outcome: str = ACCEPTED
    request: str = ""
    source: str = ""

    @classmethod
    def by(
        cls,
        principal: Principal,
        at: datetime,
        kind: AuditKind,
        action: str,
        target: str,
        *,
        project: str = ALL_PROJECTS,
        source: str = "",
    ) -> "AuditEntry":
        """Returns the entry of what a principal does; of a member only the id, since a name may have to be erased."""
        return cls(
            organization=principal.organization,
            project=project,
            at=at,
            kind=kind,
            actor=principal.actor_id,
            token_id=principal.token_id,
            token_name="" if is_member(principal.actor_id) else principal.name,
            action=action,
            target=target,
            source=source,
        )


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Selects entries; None selects all. `since` is included, `until` is not.

    `members` are the ids (`member:ID`) of members whose name `actor` is: it selects their entries, too.
    """

    kind: AuditKind | None = None
    actor: str | None = None
    members: frozenset[str] = frozenset()
    action: str | None = None
    outcome: str | None = None
    target: str | None = None
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Whether an entry is selected. An actor is found by its id, its token's id or its name, a target by its
        beginning, too.
        """
        wanted = (
            (self.kind, (entry.kind,)),
            (None if entry.actor in self.members else self.actor, (entry.actor, entry.token_id, entry.token_name)),
            (self.action, (entry.action,)),
            (self.outcome, (entry.outcome,)),
            (self.project, (entry.project,)),
        )
        if any(value is not None and value not in found for value, found in wanted):
            return False
        if self.target is not None and not entry.target.startswith(self.target):
            return False
        return (self.since is None or entry.at >= self.since) and (self.until is None or entry.at < self.until)


def is_member(actor: str) -> bool:
    """Whether an actor's id is that of a member."""
    return actor.startswith("member:")
