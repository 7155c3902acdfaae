"""`cadence host provision` against a real sshd, whose host joins a gateway that holds it to the protocol."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cadence.cli.runners.host_provisioning import (
    AgentInstallation,
    HostMachine,
    ProvisioningError,
    provision,
    read_machines,
)
from cadence.local.shared.ports import first_free
from tests.integration.agent.fake_gateway import FakeGateway
from tests.waiting import eventually

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
SFTP = Path("/usr/lib/openssh/sftp-server")
pytestmark = [
    pytest.mark.skipif(
        SSHD is None or os.getuid() != 0,
        reason="sshd is not installed (apt-get install openssh-server), or only root may start it",
    ),
    pytest.mark.skipif(
        not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed (apt-get install openssh-client)"
    ),
    pytest.mark.skipif(not SFTP.exists(), reason="sftp-server is not installed (apt-get install openssh-sftp-server)"),
]
POOL = "provisioned"


def new_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[HostMachine]:
    """This machine behind a server of its own, where HOME is a folder of the test."""
    host_key = new_key(tmp_path / "host")
    authorized = tmp_path / "authorized_keys"
    authorized.write_text(new_key(tmp_path / "user"))
    Path("/run/sshd").mkdir(exist_ok=True)
    port = first_free()
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": authorized,
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "PermitRootLogin": "yes",
        "PasswordAuthentication": "no",
        "Subsystem": f"sftp {SFTP}",
        "ForceCommand": tmp_path / "shell",
    }
    (tmp_path / "shell").write_text(
        f"#!/bin/sh\nexport HOME={home}\ncd {home}\n"
        'case "$SSH_ORIGINAL_COMMAND" in\n'
        f"    *sftp*) exec {SFTP} ;;\n"
        '    *) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;\n'
        "esac\n"
    )
    (tmp_path / "shell").chmod(0o755)
    config = tmp_path / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(port))
        yield HostMachine(
            address="127.0.0.1",
            host_key=host_key,
            user="root",
            port=port,
            name="build-1",
            slots=3,
            labels={"gpu": "an old one", "room": "b'2"},
        )
    finally:
        server.terminate()
        server.wait(120)
        pid = home / ".local" / "share" / "cadence-host" / POOL / "pid"
        if pid.exists():
            os.killpg(int(pid.read_text()), signal.SIGKILL)


@pytest.fixture
def job(agent: Path, gateway: FakeGateway) -> AgentInstallation:
    content = agent.read_bytes()
    return AgentInstallation(
        agent=content, sha256=hashlib.sha256(content).hexdigest(), gateway=gateway.url, pool=POOL, token="join"
    )


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_machine_becomes_a_host_and_is_renewed(
    machine: HostMachine, job: AgentInstallation, gateway: FakeGateway, tmp_path: Path
) -> None:
    message = provision(machine, job, tmp_path / "user")
    assert "without systemd" in message or "by systemd" in message
    eventually(lambda: gateway.hosts)
    (joined,) = gateway.hosts.values()
    assert (joined["name"], joined["slots"], joined["pool"]) == ("build-1", 3, POOL)
    assert joined["labels"] == {"gpu": "an old one", "room": "b'2"}
    folder = tmp_path / "home" / ".local" / "share" / "cadence-host" / POOL
    assert (folder / "join-token").stat().st_mode & 0o077 == 0
    first = (folder / "pid").read_text()

    provision(machine, job, tmp_path / "user")
    eventually(lambda: (folder / "pid").read_text() != first)
    # It is known already: no second host.
    assert len(gateway.hosts) == 1
    assert not list((tmp_path / "home" / ".cache").iterdir())


def test_a_machine_that_shows_another_key_gets_nothing(
    machine: HostMachine, job: AgentInstallation, tmp_path: Path
) -> None:
    other = new_key(tmp_path / "other")
    with pytest.raises(ProvisioningError, match="another host key than the list states"):
        provision(replace(machine, host_key=other), job, tmp_path / "user")
    assert not list((tmp_path / "home").iterdir())


def test_a_machine_that_lets_nobody_in_says_so(machine: HostMachine, job: AgentInstallation, tmp_path: Path) -> None:
    new_key(tmp_path / "stranger")
    with pytest.raises(ProvisioningError, match="refused root with the available keys"):
        provision(machine, job, tmp_path / "stranger")


def test_an_agent_that_changed_on_the_way_is_not_started(
    machine: HostMachine, job: AgentInstallation, gateway: FakeGateway, tmp_path: Path
) -> None:
    with pytest.raises(ProvisioningError, match="has the SHA-256"):
        provision(machine, replace(job, agent=b"not the agent"), tmp_path / "user")
    assert not gateway.hosts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is not a list"),
        ("- 1", "entry 1 is not a mapping"),
        ("- {address: a}", "entry 1 lacks host_key, user"),
        ("- {address: a, host_key: ssh-ed25519 x, user: u}", "host_key is not an SSH key"),
        ("- {address: a, host_key: k, user: u, colour: red}", "has colour, which is not known here"),
        ("- {address: a, host_key: k, user: u, port: x}", "must be whole numbers"),
    ],
)  # fmt: skip
def test_a_list_of_machines_says_what_is_wrong_with_it(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "machines.yaml"
    file.write_text(text)
    with pytest.raises(ProvisioningError, match=message):
        read_machines(file)
