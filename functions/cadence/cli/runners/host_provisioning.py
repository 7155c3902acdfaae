"""Installs the agent on machines over SSH. The host key of each machine is given, and never learned on connecting."""

import base64
import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
import yaml

from cadence.cli.shared.agent import installer_folder

INSTALLED = "cadence-agent.pyz"
_CONNECT_SECONDS = 20
_INSTALL_SECONDS = 180


class ProvisioningError(Exception):
    """A list of machines cannot be used, or the agent cannot be installed on one of them."""


@dataclass(frozen=True, kw_only=True)
class HostMachine:
    """A machine that becomes a host.

    `host_key` is a line as `ssh-keyscan` prints it without the name: `ssh-ed25519 AAAA…`.
    """

    address: str
    host_key: str
    user: str
    port: int = 22
    name: str = ""
    slots: int = 4
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        return self.name or self.address

    def key(self) -> paramiko.PKey:
        """The key that the machine must show. Raises ProvisioningError if `host_key` is not one."""
        kind, _, rest = self.host_key.strip().partition(" ")
        try:
            return paramiko.PKey.from_type_string(kind, _decoded(rest))
        except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, ValueError) as error:
            raise ProvisioningError(
                f"{self.display_name}: host_key is not an SSH key ({error}); `ssh-keyscan {self.address}` prints it"
            ) from None


@dataclass(frozen=True, kw_only=True)
class AgentInstallation:
    """What is installed: the agent and its digest, the address of its gateway, its pool and a join token."""

    agent: bytes
    sha256: str
    gateway: str
    pool: str
    token: str = field(repr=False)


def read_machines(file: Path) -> list[HostMachine]:
    """Reads a YAML list of machines. Raises ProvisioningError, naming the entry."""
    try:
        entries = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProvisioningError(f"{file} cannot be read: {error}") from None
    if not isinstance(entries, list) or not entries:
        raise ProvisioningError(f"{file} is not a list of machines, each with address, host_key and user")
    return [_machine(number, entry) for number, entry in enumerate(entries, 1)]


def provision(machine: HostMachine, installation: AgentInstallation, identity: Path | None) -> str:
    """Installs and starts the agent; returns what the installation printed. Raises ProvisioningError.

    A repetition upgrades the agent and restarts it.
    """
    client = paramiko.SSHClient()
    name = machine.address if machine.port == paramiko.config.SSH_PORT else f"[{machine.address}]:{machine.port}"
    client.get_host_keys().add(name, machine.key().get_name(), machine.key())
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            machine.address,
            machine.port,
            machine.user,
            key_filename=str(identity) if identity else None,
            timeout=_CONNECT_SECONDS,
            banner_timeout=_CONNECT_SECONDS,
            auth_timeout=_CONNECT_SECONDS,
            look_for_keys=identity is None,
        )
        return _install(client, machine, installation)
    except paramiko.BadHostKeyException as error:
        shown = error.key.fingerprint
        raise ProvisioningError(
            f"it shows another host key than the list states ({shown}): nothing was sent to it"
        ) from None
    except paramiko.AuthenticationException:
        raise ProvisioningError(f"it refused {machine.user} with the available keys") from None
    except (paramiko.SSHException, OSError) as error:
        raise ProvisioningError(f"SSH failed: {error}") from None
    finally:
        client.close()


def _install(client: paramiko.SSHClient, machine: HostMachine, installation: AgentInstallation) -> str:
    script = (installer_folder() / "install.sh").read_bytes()
    # The names derive from the content, so that a repetition overwrites what an interrupted one left.
    folder = f".cache/cadence-host-{installation.sha256[:16]}"
    _run(client, f"mkdir -p -m 700 {folder}", b"")
    with client.open_sftp() as files:
        for name, content in ((INSTALLED, installation.agent), ("install.sh", script)):
            with files.open(f"{folder}/{name}", "wb") as remote:
                remote.write(content)
    words = [
        "sh",
        f"{folder}/install.sh",
        f"{folder}/{INSTALLED}",
        installation.sha256,
        installation.gateway,
        installation.pool,
    ]
    words += [machine.display_name, str(machine.slots), *(f"{name}={value}" for name, value in machine.labels.items())]
    printed = _run(client, shlex.join(words), installation.token.encode())
    _run(client, f"rm -rf {folder}", b"")
    return printed


def _run(client: paramiko.SSHClient, command: str, stdin: bytes) -> str:
    sent, _, errors = client.exec_command(command, timeout=_INSTALL_SECONDS)
    sent.write(stdin)
    sent.channel.shutdown_write()
    printed = errors.read().decode("utf-8", "replace").strip()
    status = errors.channel.recv_exit_status()
    if status:
        raise ProvisioningError(printed or f"the installation ended with status {status}")
    return printed


def digest(content: bytes) -> str:
    """The SHA-256 of `content`, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _machine(number: int, entry: Any) -> HostMachine:
    if not isinstance(entry, dict):
        raise ProvisioningError(f"entry {number} is not a mapping")
    missing = [name for name in ("address", "host_key", "user") if not isinstance(entry.get(name), str)]
    if missing:
        raise ProvisioningError(f"entry {number} lacks {', '.join(missing)}")
    unknown = sorted(set(entry) - set(HostMachine.__dataclass_fields__))
    if unknown:
        raise ProvisioningError(
            f"entry {number} ({entry['address']}) has {', '.join(unknown)}, which is not known here"
        )
    port, slots, labels = entry.get("port", 22), entry.get("slots", 4), entry.get("labels", {})
    if not (isinstance(port, int) and isinstance(slots, int) and 0 < port < 65536 and 0 < slots <= 2000):
        raise ProvisioningError(f"entry {number} ({entry['address']}): port and slots must be whole numbers")
    if not isinstance(labels, dict):
        raise ProvisioningError(f"entry {number} ({entry['address']}): labels must be a mapping of names to texts")
    machine = HostMachine(**{**entry, "labels": {str(name): str(value) for name, value in labels.items()}})
    machine.key()
    return machine


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.split(" ", 1)[0], validate=True)
