"""A network of its own for a command: it reaches the internet, but neither this machine nor the cloud's metadata."""

from __future__ import annotations

import functools
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "slirp4netns"
PROBE_SECONDS = 10
#: The address at which slirp4netns answers for the machine's own name server, which may listen on loopback only.
NAME_SERVER_FILE, NAME_SERVER = "resolv.conf", "nameserver 10.0.2.3\n"
_TUN = Path("/dev/net/tun")


@functools.lru_cache(maxsize=None)
def program() -> str | None:
    """Returns the path of slirp4netns if it is installed and works on this machine.

    It is tried once, and processes forked later keep the result. Call it before threads exist.
    """
    found = shutil.which(PROGRAM)
    return found if found and _TUN.exists() and _works(found) else None


def entering(found: str, command: Sequence[str]) -> list[str]:
    """Returns a command that starts ``command`` in a private network of its own, which ends with it."""
    source = (pkgutil.get_data(__package__, "network_setup.py") or b"").decode()
    return [sys.executable, "-IS", "-c", source, found, *command]


def name_server_options(folder: Path) -> list[str]:
    """Returns bubblewrap's arguments that name the network's own name server; ``folder`` holds the file for it."""
    file = folder / NAME_SERVER_FILE
    target = os.path.realpath("/etc/resolv.conf")
    return ["--ro-bind", str(file), target] if os.path.exists(target) else []


def _works(found: str) -> bool:
    try:
        done = subprocess.run(
            entering(found, ["true"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
