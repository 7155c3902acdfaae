"""LDAP servers and Active Directory domains with which members sign in, and what they say of a person."""

import re
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from cadence.domain.access.people import DIRECTORY_SOURCE
from cadence.domain.shared.errors import InvalidRequest, Violation

DIRECTORY_IDENTITY = "directory:"
_URL = re.compile(r"ldaps?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_USER = 256
# A removal of more of them at once is taken for a mistake in the directory or its settings.
_FEW = 5


class DirectoryKind(StrEnum):
    LDAP = "ldap"
    ACTIVE_DIRECTORY = "active-directory"


@dataclass(frozen=True, kw_only=True)
class DirectoryServer:
    """An LDAP server. Connections are always encrypted: `ldaps://`, or StartTLS for `ldap://`.

    `ca` is the PEM text of the authorities that its certificate is checked with, None for the public ones. `bind_dn`
    is the account that reads; its password is kept apart. People are below `user_base` and match `user_filter`, groups
    are below `group_base`. `synced_at` is when its members were last looked up, `problem` why that failed since.
    """

    organization: str
    name: str
    kind: DirectoryKind
    url: str
    bind_dn: str
    user_base: str
    group_base: str
    created_at: datetime
    user_filter: str = ""
    ca: str | None = None
    synced_at: datetime | None = None
    problem: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def encrypted_from_the_start(self) -> bool:
        """Whether the connection begins with TLS; otherwise it is asked for before anything else is sent."""
        return self.url.startswith("ldaps:")

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (636 if self.encrypted_from_the_start else 389)

    @property
    def source(self) -> str:
        """What a team's `group_source` is called whose group is of this directory."""
        return f"{DIRECTORY_SOURCE}{self.name}"

    def identity(self, entry_id: str) -> str:
        """Returns the identity of a member, by the id that the directory gave the entry and never changes."""
        return f"{DIRECTORY_IDENTITY}{self.name}|{entry_id}"

    def entry_id(self, identity: str | None) -> str | None:
        """Returns the id of the entry that an identity refers to, None for one of elsewhere."""
        prefix = self.identity("")
        return identity[len(prefix) :] if identity and identity.startswith(prefix) else None


@dataclass(frozen=True, kw_only=True)
class DirectoryPerson:
    """A person as the directory describes it. `groups` are those that were asked about, nested ones included."""

    entry_id: str
    name: str
    email: str
    groups: frozenset[str]


def check_url(url: str) -> None:
    """Raises InvalidRequest unless it is the address of an LDAP server."""
    port_is_one = True
    try:
        _ = urlsplit(url).port
    except ValueError:
        port_is_one = False
    if not _URL.fullmatch(url) or not port_is_one:
        message = "url is ldaps://HOST[:PORT], or ldap://HOST[:PORT], which is encrypted with StartTLS."
        raise InvalidRequest(message, [Violation("/url", message, "bad_url")])


def may_be_a_user(user: str, password: str) -> bool:
    """Whether texts can be the name and the password of a user at all.

    Servers take an empty password for a guest's, and answer that it is right.
    """
    try:
        _ = (user + password).encode()
    except UnicodeError:
        return False
    return 0 < len(user) <= _LONGEST_USER and not _CONTROL.search(user) and bool(password) and "\x00" not in password


def members_of(group: str, direct: Mapping[str, Collection[str]]) -> Set[str]:
    """Returns the members of a group and of all groups within it; `direct` are the members of each group.

    Groups that contain each other are no harm.
    """
    found: set[str] = set()
    waiting, seen = [group], {group}
    while waiting:
        for member in direct.get(waiting.pop(), ()):
            found.add(member)
            if member in direct and member not in seen:
                seen.add(member)
                waiting.append(member)
    return found


def is_plausible(known: int, missing: int) -> bool:
    """Whether so many of the known people may have left at once."""
    return missing < _FEW or missing * 2 <= known
