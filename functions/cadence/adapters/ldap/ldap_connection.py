"""Encrypted connections to LDAP servers."""

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ldap3 import NONE, SAFE_SYNC, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPCertificateError,
    LDAPException,
    LDAPInvalidCredentialsResult,
    LDAPOperationResult,
    LDAPResponseTimeoutError,
    LDAPSocketOpenError,
    LDAPStartTLSError,
)

from cadence.adapters.http.connection_errors import reason_of_socket
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.domain.access.directory_server import DirectoryServer
from cadence.domain.shared.errors import Transient

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 15
_PAGE = 500

Entry = Mapping[str, Any]


class CheckedTls(Tls):
    """TLS as Python's `ssl` checks it: chain, name and times. ldap3's own check leaves out names that are addresses."""

    def __init__(self, server: DirectoryServer) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = server.host
        self._checking = ssl.create_default_context(cadata=server.ca)
        self._checking.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
        """Encrypts a connection's socket. Raises ssl.SSLError, also for a certificate that is not the server's."""
        connection.socket = self._checking.wrap_socket(
            connection.socket, server_hostname=self._host, do_handshake_on_connect=do_handshake
        )


@contextmanager
def encrypted(server: DirectoryServer, reach: EgressPolicy, user: str, password: str) -> Iterator[Connection]:
    """Yields a connection that is encrypted and not bound yet. Raises Transient, which says what is wrong with it."""
    connection = _opened(server, reach, user, password)
    try:
        yield connection
    except (LDAPException, OSError) as error:
        raise _not_asked(server, error) from error
    finally:
        connection.unbind()


def _opened(server: DirectoryServer, reach: EgressPolicy, user: str, password: str) -> Connection:
    """Returns a connection to the first address that answers."""
    tls = CheckedTls(server)
    failure: Exception | None = None
    for address in _addresses(server, reach):
        at = Server(
            address,
            port=server.port,
            use_ssl=server.encrypted_from_the_start,
            tls=tls,
            connect_timeout=_CONNECT_SECONDS,
            get_info=NONE,
        )
        connection = Connection(
            at,
            user=user,
            password=password,
            client_strategy=SAFE_SYNC,
            auto_referrals=False,
            read_only=True,
            raise_exceptions=True,
            receive_timeout=_ANSWER_SECONDS,
        )
        try:
            connection.open()
            if not server.encrypted_from_the_start:
                connection.start_tls()
        except (LDAPException, OSError) as error:
            _close(connection)
            failure = error
        else:
            return connection
    raise _not_asked(server, failure) from failure


def _close(connection: Connection) -> None:
    """Closes a connection that could not be encrypted, so that nothing is sent over it."""
    opened = connection.socket
    if opened is not None:
        opened.close()


def _not_asked(server: DirectoryServer, error: Exception | None) -> Transient:
    """Returns the error, in which nothing of a password or of what was searched for is."""
    return Transient(f"The directory {server.name} cannot be asked: {reason_of_ldap(error)}.")


def reason_of_ldap(error: BaseException | None) -> str:
    """Returns the reason of an error of LDAP, without anything of the server's text."""
    match error:
        case LDAPInvalidCredentialsResult():
            return "the name or the password is wrong"
        case LDAPOperationResult():
            return f"it answers {error.description}"
        case LDAPStartTLSError():
            return "the connection cannot be encrypted with StartTLS"
        case LDAPCertificateError():
            return "its certificate is not valid"
        case LDAPResponseTimeoutError():
            return "no answer in time"
        case LDAPSocketOpenError():
            # The library gives the cause in its text only.
            text = str(error).lower()
            if "certificate" in text:
                return "its certificate is not valid"
            if "ssl" in text or "tls" in text:
                return "the connection cannot be encrypted"
            return "no answer in time" if "timed out" in text else "no connection"
        case LDAPException():
            return "the connection broke"
    return reason_of_socket(error)


def search(connection: Connection, base: str, condition: str, attributes: Sequence[str]) -> list[Entry]:
    """Returns the entries below `base`; their attributes are lists of bytes. Raises LDAPException."""
    answers = connection.extend.standard.paged_search(
        base, condition, search_scope=SUBTREE, attributes=list(attributes), paged_size=_PAGE, generator=False
    )
    return [answer for answer in answers if answer["type"] == "searchResEntry"]


def texts(entry: Entry, attribute: str) -> list[str]:
    """Returns the values of an attribute, in whatever case the server writes its name."""
    found = (values for name, values in entry["raw_attributes"].items() if name.lower() == attribute.lower())
    return [value.decode("utf-8", "replace") for value in next(found, [])]


def _addresses(server: DirectoryServer, reach: EgressPolicy) -> list[str]:
    """Returns the addresses to connect to: the very ones that were checked. Raises Transient if none is allowed."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Transient(f"The directory {server.name} cannot be asked: its host has no address.") from error
    addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
    allowed = [address for address in addresses if reach.allows(server.host, server.port, address)]
    if not allowed:
        raise Transient(
            f"The directory {server.name} cannot be asked: {server.host} has no public address, and the installation "
            "does not name it (directory_hosts)."
        )
    return allowed
