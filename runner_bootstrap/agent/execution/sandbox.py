"""How a command is launched: in a container, in bubblewrap, or directly on the host."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from . import masks, private_network
from .workspace import Workspace

PROBE_SECONDS = 10
PROBES = 3


class LaunchSpec(NamedTuple):
    """What the supervisor starts.

    ``cleanup`` is a command that removes what would outlive the process (a container); ``groups`` are control group
    files to join first; ``sandbox_at`` is the position of bubblewrap in ``argv``.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    cleanup: list[str]
    groups: Sequence[str] = ()
    sandbox_at: Optional[int] = None


def plain(command: Sequence[str], env: dict[str, str], workspace: Workspace) -> LaunchSpec:
    """Launches a command on the host, with the host's files unchanged."""
    return LaunchSpec(argv=list(command), env=env, cwd=str(workspace.work), cleanup=[])


class Bubblewrap:
    """A sandbox: the host's files read-only, a private ``/tmp``, own process ids; only the workspace is writable.

    Sockets of the host's services and home directories are not there.
    """

    def __init__(self, program: str, hidden: Sequence[Path], shown: Sequence[Path]) -> None:
        self._program = program
        self._masks = masks.options(hidden, shown)

    @classmethod
    def find(cls, hidden: Sequence[Path], shown: Sequence[Path] = ()) -> Bubblewrap | None:
        """Returns bubblewrap if it is installed and this kernel and user may use it.

        ``hidden`` directories appear empty inside. ``shown`` paths and the running Python are readable even in home
        directories and below ``/tmp``, which are private otherwise.
        """
        program = cls.program()
        return cls(program, hidden, shown) if program else None

    @staticmethod
    def program() -> str | None:
        """Returns the path of bubblewrap if it may be used."""
        program = shutil.which("bwrap")
        if not program or os.environ.get("CADENCE_SANDBOX") == "off" or not works(program):
            return None
        return program

    def launch(
        self,
        command: Sequence[str],
        env: dict[str, str],
        workspace: Workspace,
        offline: bool = False,
        terminal: bool = False,
        network_by: str | None = None,
    ) -> LaunchSpec:
        """Launches a command in the sandbox.

        ``offline`` leaves it only a loopback interface of its own; ``terminal`` keeps the terminal that it is started
        from; ``network_by`` is the program that gives it a private network.
        """
        argv = [self._program, *_ISOLATION]
        argv += ["--unshare-net"] if offline else []
        argv += [] if terminal else ["--new-session"]
        argv += ["--bind", str(workspace.tmp), "/tmp"]
        argv += self._masks
        if network_by and not offline:
            workspace.write(private_network.NAME_SERVER_FILE, private_network.NAME_SERVER)
            argv += private_network.name_server_options(workspace.root)
            argv = private_network.entering(network_by, argv)
        argv += ["--bind", str(workspace.root), str(workspace.root), "--chdir", str(workspace.work), "--", *command]
        return LaunchSpec(argv=argv, env=env, cwd=str(workspace.work), cleanup=[], sandbox_at=argv.index(self._program))


@functools.lru_cache(maxsize=None)
def works(program: str) -> bool:
    """Returns whether this kernel and user may use the bubblewrap ``program``.

    It is tried once, and processes forked later keep the result. A mount that goes away meanwhile (`sandbox_status`)
    must not be taken for a kernel that allows no sandbox.
    """
    return any(_starts(program) for _ in range(PROBES))


def _starts(program: str) -> bool:
    probe = [program, *_ISOLATION, "--", "true"]
    try:
        done = subprocess.run(
            probe,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


_ISOLATION = [
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    # Root may write the kernel's settings without any capability, and core_pattern names a program that it starts.
    "--ro-bind",
    "/proc/sys",
    "/proc/sys",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
]
