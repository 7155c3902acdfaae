"""Optional programs of this machine that tests need, as the product finds them, and the mark that skips without one."""

import shutil
import subprocess
from functools import cache

import pytest

from runner_bootstrap.agent.execution.sandbox import works


@cache
def bubblewrap() -> str | None:
    """The program that cuts commands off; None if it is not installed, or may not be used by this user and kernel."""
    program = shutil.which("bwrap")
    return program if program and works(program) else None


# Loopback alone would be taken for no network at all.
_NETWORK = """ip link set lo up && ip link add inner type veth peer name outer &&
    ip link set inner addrgenmode none && ip link set outer addrgenmode none &&
    ip addr add 10.213.0.1/24 dev inner && ip link set outer up && ip link set inner up"""


@cache
def own_network() -> tuple[str, ...]:
    """The beginning of a command that runs in a network of its own, in which nothing changes while others make and
    remove networks on this machine, which browsers answer with broken connections. Empty where there can be none.
    """
    for user in ((), ("--user", "--map-root-user")):
        command = ("unshare", *user, "--net", "sh", "-c", f'{_NETWORK} && exec "$@"', "sh")
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode
        ):
            return command
    return ()


@cache
def private_mounts() -> tuple[str, ...] | None:
    """The beginning of a command that may mount file systems for itself, without being root; None if none may here."""
    command = ("unshare", "--user", "--map-root-user", "--mount")
    if shutil.which("unshare") is None:
        return None
    tried = subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return command if tried.returncode == 0 else None


needs_private_mounts = pytest.mark.skipif(private_mounts() is None, reason="nobody may mount file systems here")
WITHOUT_BUBBLEWRAP = "bubblewrap is not installed (apt-get install bubblewrap), or does not work here"
needs_bubblewrap = pytest.mark.skipif(bubblewrap() is None, reason=WITHOUT_BUBBLEWRAP)
# The images of GitHub's own runners have it.
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed (apt-get install curl)")
