"""Real directories on loopback: OpenLDAP's slapd, and a Samba Active Directory domain in a network of its own."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.waiting import eventually, last_look

PEOPLE = (("ada", "Ada Lovelace"), ("bob", "Bob"), ("dan", "Dan"), ("eve", "Eve"))
PASSWORD = "Correct horse 7 battery"
ADMIN_PASSWORD = "Passw0rd.of-the-admin"
SLAPD = shutil.which("slapd") or ("/usr/sbin/slapd" if os.access("/usr/sbin/slapd", os.X_OK) else None)
_SCHEMAS = Path("/etc/ldap/schema")
_START_SECONDS = 120

needs_slapd = pytest.mark.skipif(
    SLAPD is None or not (_SCHEMAS / "inetorgperson.schema").exists(),
    reason="slapd is not installed (apt-get install slapd)",
)
needs_samba = pytest.mark.skipif(
    shutil.which("samba") is None or shutil.which("samba-tool") is None or shutil.which("unshare") is None,
    reason="samba as a domain controller is not installed (apt-get install samba), or unshare is missing",
)


@dataclass
class RealDirectory:
    """A directory with the people ada, bob, dan and eve.

    `compilers` is a group within `engineers`; ada and dan belong to the first and bob to the second. eve belongs to
    another group named `engineers`, elsewhere.
    """

    kind: str
    ldaps_port: int
    ldap_port: int | None
    ca: str
    admin_dn: str
    user_base: str
    group_base: str

    def body(self, **changes: Any) -> dict[str, Any]:
        """Returns the settings for `PUT /v1/directories/NAME`."""
        return {
            "kind": self.kind,
            "url": f"ldaps://localhost:{self.ldaps_port}",
            "bind_dn": self.admin_dn,
            "bind_password": ADMIN_PASSWORD,
            "user_base": self.user_base,
            "group_base": self.group_base,
            "ca": self.ca,
            **changes,
        }

    def user(self, name: str) -> str:
        return f"{'uid' if self.kind == 'ldap' else 'CN'}={name},{self.user_base}"

    def group(self, name: str) -> str:
        return f"cn={name},{self.group_base}"

    @contextmanager
    def administered(self) -> Iterator[ldap3.Connection]:
        """Yields a connection that may change everything."""
        server = ldap3.Server("127.0.0.1", port=self.ldaps_port, use_ssl=True, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, self.admin_dn, ADMIN_PASSWORD, raise_exceptions=True)
        connection.bind()
        try:
            yield connection
        finally:
            connection.unbind()

    def remove(self, name: str) -> None:
        with self.administered() as connection:
            connection.delete(self.user(name))

    @contextmanager
    def changed(self, name: str, attribute: str, value: str, usual: str) -> Iterator[None]:
        """Gives an attribute of a person another value within the block, and its usual one afterwards."""
        self._change(name, attribute, value)
        try:
            yield
        finally:
            self._change(name, attribute, usual)

    def _change(self, name: str, attribute: str, value: str) -> None:
        with self.administered() as connection:
            connection.modify(self.user(name), {attribute: [(ldap3.MODIFY_REPLACE, [value])]})

    def leave(self, name: str, group: str) -> None:
        with self.administered() as connection:
            connection.modify(self.group(group), {"member": [(ldap3.MODIFY_DELETE, [self.user(name)])]})


def certificate(folder: Path) -> str:
    """Writes `cert.pem` and `key.pem` for `localhost`, and returns the certificate, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    (folder / "cert.pem").write_text(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "key.pem").chmod(0o600)
    return pem


_BASE = "dc=example,dc=org"
_LDIF = """\
dn: {base}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: ou=elsewhere,ou=groups,{base}
objectClass: organizationalUnit
ou: elsewhere
{people}
dn: cn=compilers,ou=groups,{base}
objectClass: groupOfNames
cn: compilers
member: uid=ada,ou=people,{base}
member: uid=dan,ou=people,{base}
member: cn=engineers,ou=groups,{base}

dn: cn=engineers,ou=groups,{base}
objectClass: groupOfNames
cn: engineers
member: uid=bob,ou=people,{base}
member: CN=Compilers , OU=groups,{base}

dn: cn=engineers,ou=elsewhere,ou=groups,{base}
objectClass: groupOfNames
cn: engineers
member: uid=eve,ou=people,{base}

dn: cn=operators,ou=groups,{base}
objectClass: posixGroup
cn: operators
gidNumber: 7
memberUid: bob
"""
_PERSON = """
dn: uid={name},ou=people,{base}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
displayName: {title}
mail: {name}@example.org
userPassword: {password}
"""
_CONF = """\
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/nis.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
pidfile {folder}/slapd.pid
database mdb
maxsize 10485760
suffix "{base}"
rootdn "cn=admin,{base}"
rootpw {admin}
directory {folder}/data
security tls=1
"""


@contextmanager
def slapd(folder: Path) -> Iterator[RealDirectory]:
    """Runs OpenLDAP. It refuses everything that is not encrypted."""
    ca = certificate(folder)
    (folder / "data").mkdir()
    names = {"folder": folder, "base": _BASE, "schemas": _SCHEMAS, "admin": ADMIN_PASSWORD.replace(" ", "")}
    (folder / "slapd.conf").write_text(_CONF.format(**names))
    people = "".join(_PERSON.format(name=name, title=title, base=_BASE, password=PASSWORD) for name, title in PEOPLE)
    (folder / "content.ldif").write_text(_LDIF.format(base=_BASE, people=people))
    assert SLAPD is not None
    load = [SLAPD, "-T", "add", "-f", str(folder / "slapd.conf"), "-l", str(folder / "content.ldif")]
    loaded = subprocess.run(load, capture_output=True, text=True, timeout=_START_SECONDS, check=False)
    assert loaded.returncode == 0, loaded.stderr
    ldap_port, ldaps_port = free_ports(2)
    addresses = f"ldap://127.0.0.1:{ldap_port}/ ldaps://127.0.0.1:{ldaps_port}/"
    command = [SLAPD, "-d", "0", "-f", str(folder / "slapd.conf"), "-h", addresses]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: answers(ldaps_port) or process.poll() is not None, within=_START_SECONDS)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            yield RealDirectory(
                kind="ldap",
                ldaps_port=ldaps_port,
                ldap_port=ldap_port,
                ca=ca,
                admin_dn=f"cn=admin,{_BASE}",
                user_base=f"ou=people,{_BASE}",
                group_base=f"ou=groups,{_BASE}",
            )
        finally:
            process.kill()


@contextmanager
def samba(folder: Path) -> Iterator[RealDirectory]:
    """Runs a domain controller in a network namespace, whose ports are reached through a socket in a file.

    Skips where the domain cannot be made or no network namespace may be: both need what not every machine allows.
    """
    ca = certificate(folder)
    provision = [
        "samba-tool", "domain", "provision", "--realm=CORP.EXAMPLE.ORG", "--domain=CORP", "--server-role=dc",
        "--dns-backend=NONE", f"--adminpass={ADMIN_PASSWORD}", f"--targetdir={folder / 'dc'}", "--host-ip=127.0.0.1",
        "--host-name=dc", "--option=bind interfaces only=yes", "--option=interfaces=lo",
        f"--option=posix:eadb={folder / 'eadb.tdb'}",
    ]  # fmt: skip
    made = subprocess.run(provision, capture_output=True, text=True, timeout=600, check=False)
    if made.returncode:
        pytest.skip(f"samba cannot make a domain here: {made.stderr.strip().splitlines()[-1:]}")
    relay = folder / "ldaps"
    start = (
        'ip link set lo up && { "$1" "$2" "$3" 636 & } && '
        'exec samba -F --no-process-group -s "$4" --option="server services=ldap" --option="dcerpc endpoint servers=" '
        '--option="tls certfile=$5/cert.pem" --option="tls keyfile=$5/key.pem" --option="tls cafile=$5/cert.pem"'
    )
    script = Path(__file__).with_name("namespace_relay.py")
    arguments = [sys.executable, str(script), str(relay), str(folder / "dc" / "etc" / "smb.conf"), str(folder)]
    command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", start, "samba", *arguments]
    written = folder / "samba.log"
    with (
        written.open("w") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
        forwarded(relay) as port,
    ):
        try:
            there = last_look(lambda: answers(port) or process.poll() is not None, bool, _START_SECONDS)
            if not there or process.poll() is not None:
                reason = written.read_text().strip().splitlines()[-1:]
                pytest.skip(f"samba does not run in a network namespace here: {reason}")
            domain = RealDirectory(
                kind="active-directory",
                ldaps_port=port,
                ldap_port=None,
                ca=ca,
                admin_dn="CN=Administrator,CN=Users,DC=corp,DC=example,DC=org",
                user_base="OU=People,DC=corp,DC=example,DC=org",
                group_base="OU=Groups,DC=corp,DC=example,DC=org",
            )
            _fill(domain)
            yield domain
        finally:
            # What ends `unshare` ends all that it started; it takes no other signal for itself.
            process.kill()


def _fill(domain: RealDirectory) -> None:
    elsewhere = f"OU=Elsewhere,{domain.group_base}"
    groups = {
        domain.group("compilers"): [domain.user("ada"), domain.user("dan")],
        domain.group("engineers"): [domain.user("bob"), domain.group("compilers")],
        f"cn=engineers-elsewhere,{elsewhere}": [domain.user("eve")],
    }
    with domain.administered() as connection:
        for unit in (domain.user_base, domain.group_base, elsewhere):
            connection.add(unit, "organizationalUnit")
        for name, title in PEOPLE:
            connection.add(
                domain.user(name),
                ["top", "person", "organizationalPerson", "user"],
                {
                    "sAMAccountName": name,
                    "userPrincipalName": f"{name}@corp.example.org",
                    "displayName": title,
                    "mail": f"{name}@example.org",
                    "unicodePwd": f'"{PASSWORD}"'.encode("utf-16-le"),
                    "userAccountControl": "512",
                },
            )
        for number, (name, members) in enumerate(groups.items()):
            connection.add(name, ["top", "group"], {"sAMAccountName": f"group{number}", "member": members})


@contextmanager
def forwarded(path: Path) -> Iterator[int]:
    """Yields a port of loopback whose connections go to a socket in a file."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                inner = socket.socket(socket.AF_UNIX)
                try:
                    inner.connect(str(path))
                except OSError:
                    client.close()
                    inner.close()
                    continue
                threads.append(threading.Thread(target=_join, args=(client, inner), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=serve, daemon=True)]
    threads[0].start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        # All of them have ended soon: their other ends are closed by then.
        for thread in threads:
            thread.join(60)
        listener.close()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until both sides have ended."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()
    one.close()
    other.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def answers(port: int) -> bool:
    """Whether a server answers at a port of loopback with TLS."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain, anyone.wrap_socket(plain):
            return True
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
