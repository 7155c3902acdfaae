"""Where a command runs: in a container engine, in bubblewrap, or plainly on the host."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .workspace import Workspace

PROBE_SECONDS = 10


class LaunchSpec(NamedTuple):
    """What the keeper starts. ``cleanup`` removes what would outlive the process (a container); ``groups`` are joined first."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    cleanup: list[str]
    groups: Sequence[str] = ()


def plain(command: Sequence[str], env: dict[str, str], workspace: Workspace) -> LaunchSpec:
    """On the host, with the host's files as they are."""
    return LaunchSpec(list(command), env, str(workspace.work), [])


class Bubblewrap:
    """The host's files read-only, a private /tmp, own process numbers; only the workspace can be written."""

    def __init__(self, program: str, hidden: Sequence[Path], shown: Sequence[Path]) -> None:
        self._program = program
        self._shown = [path for path in (Path(sys.prefix), *shown) if path.is_dir()]
        self._hidden = [path for path in hidden if path.is_dir()]

    @classmethod
    def find(cls, hidden: Sequence[Path], shown: Sequence[Path] = ()) -> Bubblewrap | None:
        """Bubblewrap, if it is installed and this kernel and user may use it.

        ``hidden`` directories appear empty inside; ``shown`` ones, and the Python that runs this, can be read even below
        /tmp, which is private otherwise.
        """
        program = cls.program()
        return cls(program, hidden, shown) if program else None

    @staticmethod
    def program() -> str | None:
        """Where it is, if it may be used."""
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
    ) -> LaunchSpec:
        """``offline`` leaves it a loopback interface of its own and no other network, ``terminal`` the one it is started from."""
        argv = [self._program, *_ISOLATION]
        argv += ["--unshare-net"] if offline else []
        argv += [] if terminal else ["--new-session"]
        argv += ["--bind", str(workspace.tmp), "/tmp"]
        for path in self._shown:
            argv += ["--ro-bind", str(path.resolve()), str(path.resolve())]
        for path in self._hidden:
            argv += ["--tmpfs", str(path.resolve())]
        argv += ["--bind", str(workspace.root), str(workspace.root), "--chdir", str(workspace.work), "--", *command]
        return LaunchSpec(argv, env, str(workspace.work), [])


@functools.lru_cache(maxsize=None)
def works(program: str) -> bool:
    """Whether this kernel and user may use ``program``, a bubblewrap. Tried once: what is forked later knows it."""
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
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
]
