"""Restricts HTTP to addresses that users choose (repositories, exports, webhooks of alerts) to allowed hosts.

Users who may write a pipeline or an export choose addresses. So the network that Cadence itself runs in, with its
metadata services, cannot be reached, except for the hosts that the installation's operator has named.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

ANYWHERE = "*"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class EgressRefused(HTTPError):
    """The host's name leads only to addresses that are not public."""


@dataclass(frozen=True)
class EgressPolicy:
    """Which addresses may be connected to: public ones, and those of `hosts` (`name` or `name:port`); `*` is
    everything.

    `what` names the hosts in messages.
    """

    hosts: frozenset[str] = frozenset()
    what: str = "git hosts"

    @classmethod
    def of(cls, hosts: str, what: str = "git hosts") -> "EgressPolicy":
        """Returns the policy for `hosts` as in the settings: names with commas between them."""
        return cls(frozenset(name for name in hosts.split(",") if name), what)

    @property
    def anywhere(self) -> bool:
        return ANYWHERE in self.hosts

    def includes(self, host: str, port: int | None) -> bool:
        """Returns whether the host may have any address."""
        return self.anywhere or host in self.hosts or f"{host}:{port}" in self.hosts

    def allows(self, host: str, port: int | None, address: str) -> bool:
        """Returns whether a connection to `host` may go to `address`, one of those that its name has."""
        return self.includes(host, port) or is_public(address)


def is_public(address: str) -> bool:
    """Returns whether an IP address is public; one that is written as another (IPv4 within IPv6) counts as that."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    for inner in ("ipv4_mapped", "sixtofour"):
        ip = getattr(ip, inner, None) or ip
    if ip in _NAT64:
        ip = ipaddress.IPv4Address(ip.packed[-4:])
    return ip.is_global and not ip.is_multicast


def guarded_pool(
    reach: EgressPolicy, *, user_agent: str, timeout: urllib3.Timeout, retries: urllib3.Retry
) -> urllib3.PoolManager:
    """Returns a pool whose connections go to the very address that was checked; addresses of redirects are checked as
    well.

    Raises EgressRefused.
    """

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, super()._new_conn, reach)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, super()._new_conn, reach)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    manager = urllib3.PoolManager(headers={"User-Agent": user_agent}, timeout=timeout, retries=retries)
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
    return manager


def _connected(connection: HTTPConnection, connect: Callable[[], socket.socket], reach: EgressPolicy) -> socket.socket:
    """Connects to an address, not to a name: looked up once more, the name could lead elsewhere."""
    name = connection.host
    addresses = [address for address in _addresses(connection) if reach.allows(name, connection.port, address)]
    if not addresses:
        raise EgressRefused(
            f"{name} is not a public address, and not one of the {reach.what} that this installation names."
        )
    failure: Exception | None = None
    for address in addresses:
        connection._dns_host = address  # noqa: SLF001 - the certificate is still checked against the name
        try:
            return connect()
        except NewConnectionError as error:
            failure = error
        finally:
            connection._dns_host = name  # noqa: SLF001
    raise failure or NewConnectionError(connection, f"{name} has no address.")


def _addresses(connection: HTTPConnection) -> Iterator[str]:
    try:
        infos = socket.getaddrinfo(connection.host.strip("[]"), connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        gone = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, gone) from error
    yield from dict.fromkeys(str(address[0]) for *_, address in infos)
