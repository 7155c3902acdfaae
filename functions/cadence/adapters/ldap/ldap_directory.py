"""`DirectoryReader` over LDAP: OpenLDAP and other servers, and Active Directory."""

import secrets
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice

from ldap3 import Connection
from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult, LDAPOperationResult
from ldap3.utils.conv import escape_bytes, escape_filter_chars

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.ldap.distinguished_names import NormalName, normal_name
from cadence.adapters.ldap.ldap_connection import Entry, encrypted, reason_of_ldap, search, texts
from cadence.application.access.directory_ports import DirectoryReader
from cadence.application.access.directory_sign_in import REFUSED
from cadence.domain.access.directory_server import DirectoryKind, DirectoryPerson, DirectoryServer, members_of
from cadence.domain.shared.errors import Transient, Unauthenticated

_AT_ONCE = 50
_LONGEST_NAME = 100
# Members of a group through other groups (LDAP_MATCHING_RULE_IN_CHAIN), and bits of a number (…_BIT_AND).
_IN_CHAIN = "1.2.840.113556.1.4.1941"
_BIT_AND = "1.2.840.113556.1.4.803"
_DISABLED = 2
_PEOPLE = {
    DirectoryKind.LDAP: "(objectClass=inetOrgPerson)",
    DirectoryKind.ACTIVE_DIRECTORY: "(&(objectCategory=person)(objectClass=user))",
}
_GROUPS = (
    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)(objectClass=posixGroup))"
)
_GROUP_MEMBERS = ("member", "uniqueMember")
# Active Directory counts 100 ns from 1601 on.
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class LdapDirectory(DirectoryReader):
    """Asks each server with the account that its settings name."""

    def __init__(self, reach: EgressPolicy, clock: Callable[[], datetime]) -> None:
        self._reach = reach
        self._clock = clock

    def sign_in(
        self, server: DirectoryServer, bind_password: str, user: str, password: str, groups: Collection[str]
    ) -> DirectoryPerson:
        with self._reading(server, bind_password) as connection:
            found = search(connection, server.user_base, self._named(server, user), _attributes(server))
            # Without such an entry the password is tried all the same, so that both take as long.
            name = found[0]["dn"] if len(found) == 1 else f"cn={secrets.token_hex(16)},{server.user_base}"
            accepted = self._is_password_of(server, name, password)
            if len(found) != 1 or not accepted:
                raise Unauthenticated(REFUSED)
            return self._people(connection, server, found, groups)[_entry_id(server, found[0])]

    def people(
        self, server: DirectoryServer, bind_password: str, entry_ids: Collection[str], groups: Collection[str]
    ) -> Mapping[str, DirectoryPerson]:
        with self._reading(server, bind_password) as connection:
            found: list[Entry] = []
            for some in _batches(sorted(entry_ids)):
                condition = f"(&{self._active(server)}(|{''.join(_with_id(server, one) for one in some)}))"
                found += search(connection, server.user_base, condition, _attributes(server))
            return self._people(connection, server, found, groups)

    def _reading(self, server: DirectoryServer, bind_password: str) -> "_Reading":
        return _Reading(server, self._reach, bind_password)

    def _named(self, server: DirectoryServer, user: str) -> str:
        """Returns the filter for the person of a name, in which nothing of the name is syntax."""
        name = escape_filter_chars(user)
        if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
            own = f"(|(sAMAccountName={name})(userPrincipalName={name}))"
        else:
            own = f"(uid={name})"
        return f"(&{self._active(server)}{own})"

    def _active(self, server: DirectoryServer) -> str:
        """Returns the filter for people who may sign in."""
        people = server.user_filter or _PEOPLE[server.kind]
        if server.kind is DirectoryKind.LDAP:
            return people
        now = int((self._clock() - _EPOCH).total_seconds()) * 10_000_000
        expires = f"(|(!(accountExpires=*))(accountExpires=0)(accountExpires>={now}))"
        return f"(&{people}(!(userAccountControl:{_BIT_AND}:={_DISABLED})){expires})"

    def _is_password_of(self, server: DirectoryServer, name: str, password: str) -> bool:
        """Whether a password opens an entry. An empty one opens nothing, although servers take it for a guest's."""
        if not password:
            return False
        with encrypted(server, self._reach, name, password) as connection:
            try:
                connection.bind()
            except LDAPInvalidCredentialsResult:
                return False
            except LDAPOperationResult as error:
                if error.description in (
                    "noSuchObject",
                    "invalidDNSyntax",
                    "unwillingToPerform",
                    "inappropriateAuthentication",
                ):
                    return False
                raise
        return True

    def _people(
        self, connection: Connection, server: DirectoryServer, entries: Collection[Entry], groups: Collection[str]
    ) -> dict[str, DirectoryPerson]:
        if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
            belonging = self._in_chains(connection, server, entries, groups)
        else:
            belonging = _in_groups(connection, server, entries, groups)
        return {entry_id: _person(server, entry, belonging[entry_id]) for entry_id, entry in _by_id(server, entries)}

    def _in_chains(
        self, connection: Connection, server: DirectoryServer, entries: Collection[Entry], groups: Collection[str]
    ) -> dict[str, frozenset[str]]:
        """Returns the groups of each person, asked of Active Directory itself."""
        belonging: dict[str, set[str]] = {entry_id: set() for entry_id, _ in _by_id(server, entries)}
        only = _with_id(server, next(iter(belonging))) if len(belonging) == 1 else ""
        for group in groups:
            if normal_name(group) is None:
                continue
            chain = f"(memberOf:{_IN_CHAIN}:={escape_filter_chars(group)})"
            condition = f"(&{self._active(server)}{only}{chain})"
            for entry in search(connection, server.user_base, condition, ("objectGUID",)):
                belonging.get(_entry_id(server, entry), set()).add(group)
        return {entry_id: frozenset(found) for entry_id, found in belonging.items()}


class _Reading:
    """A connection that is bound as the account that reads."""

    def __init__(self, server: DirectoryServer, reach: EgressPolicy, password: str) -> None:
        self._server = server
        self._context = encrypted(server, reach, server.bind_dn, password)

    def __enter__(self) -> Connection:
        connection = self._context.__enter__()
        try:
            connection.bind()
        except LDAPException as error:
            self._context.__exit__(None, None, None)
            message = f"The directory {self._server.name} refuses the account that reads it: {reason_of_ldap(error)}."
            raise Transient(message) from error
        return connection

    def __exit__(self, *error: object) -> bool | None:
        return self._context.__exit__(*error)  # type: ignore[arg-type]


def _in_groups(
    connection: Connection, server: DirectoryServer, entries: Collection[Entry], groups: Collection[str]
) -> dict[str, frozenset[str]]:
    """Returns the groups of each person, from the members of all groups. A group's own text says nothing about it."""
    wanted = {normal: group for group in groups if (normal := normal_name(group)) is not None}
    direct: dict[str, set[str]] = {}
    if wanted:
        for entry in search(connection, server.group_base, _GROUPS, (*_GROUP_MEMBERS, "memberUid")):
            named = (normal_name(text) for attribute in _GROUP_MEMBERS for text in texts(entry, attribute))
            uids = {f"uid {uid.casefold()}" for uid in texts(entry, "memberUid")}
            direct[_key(normal_name(entry["dn"]))] = {_key(name) for name in named} | uids
    members = {group: members_of(_key(normal), direct) for normal, group in wanted.items()}
    return {
        entry_id: frozenset(
            group
            for group, belonging in members.items()
            if _key(normal_name(entry["dn"])) in belonging
            or not belonging.isdisjoint(f"uid {uid.casefold()}" for uid in texts(entry, "uid"))
        )
        for entry_id, entry in _by_id(server, entries)
    }


def _key(name: NormalName | None) -> str:
    return repr(name)


def _by_id(server: DirectoryServer, entries: Collection[Entry]) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        yield _entry_id(server, entry), entry


def _entry_id(server: DirectoryServer, entry: Entry) -> str:
    """Returns the id that the server gave an entry. Raises Transient if the reading account may not see it."""
    name = _id_attribute(server)
    values: list[bytes] = next((one for key, one in entry["raw_attributes"].items() if key.lower() == name.lower()), [])
    if not values:
        raise Transient(f"The directory {server.name} does not show {name} to the account that reads it.")
    if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
        return str(uuid.UUID(bytes_le=values[0]))
    return values[0].decode("utf-8", "replace")


def _id_attribute(server: DirectoryServer) -> str:
    return "objectGUID" if server.kind is DirectoryKind.ACTIVE_DIRECTORY else "entryUUID"


def _with_id(server: DirectoryServer, entry_id: str) -> str:
    if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
        return f"(objectGUID={escape_bytes(uuid.UUID(entry_id).bytes_le)})"
    return f"(entryUUID={escape_filter_chars(entry_id)})"


def _attributes(server: DirectoryServer) -> tuple[str, ...]:
    return (_id_attribute(server), "displayName", "cn", "mail", "uid")


def _person(server: DirectoryServer, entry: Entry, groups: frozenset[str]) -> DirectoryPerson:
    names = [*texts(entry, "displayName"), *texts(entry, "cn"), entry["dn"]]
    return DirectoryPerson(
        entry_id=_entry_id(server, entry),
        name=" ".join(names[0].split())[:_LONGEST_NAME],
        email=next(iter(texts(entry, "mail")), "")[:254],
        groups=groups,
    )


def _batches(ids: list[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
