"""What of this machine commands in the sandbox do not see: sockets of its services, and home directories."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Sockets of D-Bus, of container engines and of agents; ``/var/run`` is a link to ``/run`` nearly everywhere.
_SOCKETS = ("/run", "/var/run")
_HOMES = ("/home", "/root", "/Users")
#: Files below masked directories without which a machine's programs or names do not work.
_NEEDED = ("/etc/resolv.conf", "/run/current-system", "/run/wrappers", "/run/opengl-driver")
#: A service account's home may be any of these, which commands need.
_NEVER = frozenset(
    map(Path, ("/", "/bin", "/dev", "/etc", "/lib", "/opt", "/proc", "/sbin", "/sys", "/tmp", "/usr", "/var"))
)


def masked() -> list[Path]:
    """Returns the directories of this machine that look empty to commands, without links, outer ones first."""
    homes = [Path(name) for name in (*_SOCKETS, *_HOMES, pwd.getpwuid(os.getuid()).pw_dir, os.environ.get("HOME", "/"))]
    found = sorted({path.resolve() for path in homes if path.is_absolute() and path.is_dir()})
    return [path for path in found if path not in _NEVER and not any(outer in found for outer in path.parents)]


def options(hidden: Sequence[Path], shown: Sequence[Path]) -> list[str]:
    """Returns bubblewrap's arguments that mask this machine.

    ``shown`` paths, the running Python and what a machine needs remain readable below a mask; ``hidden`` directories
    look empty wherever they are.
    """
    argv: list[str] = []
    masks = masked()
    for path in masks:
        argv += ["--tmpfs", str(path)]
    for path in _visible(shown, [*masks, Path("/tmp")]):
        source = str(path.resolve())
        for target in dict.fromkeys((source, str(path.absolute()))):
            argv += ["--ro-bind", source, target]
    for path in hidden:
        if path.is_dir():
            argv += ["--tmpfs", str(path.resolve())]
    return argv


def _visible(shown: Sequence[Path], covered: Sequence[Path]) -> Iterable[Path]:
    """Returns the paths to show, each once; those that a machine needs only if a mask covers them."""
    needed = [Path(name) for name in (*_NEEDED, sys.prefix, sys.base_prefix)]
    below = [path for path in needed if any(cover in path.resolve().parents for cover in covered)]
    return dict.fromkeys(path for path in (*below, *shown) if path.exists())
