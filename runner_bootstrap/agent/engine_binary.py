"""The Mélodium engine on this machine: where it is, and which version."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from typing import NamedTuple, Optional

PROGRAM = "CADENCE_MELODIUM"
ANSWER_SECONDS = 10
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")


class Binary(NamedTuple):
    path: str
    version: str


@functools.lru_cache(maxsize=None)
def installed() -> Optional[Binary]:
    """The engine that ``CADENCE_MELODIUM`` names, else the one in the path. Asked once: what is forked later knows it."""
    path = os.environ.get(PROGRAM) or shutil.which("melodium")
    if not path:
        return None
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return Binary(path, found[0]) if done.returncode == 0 and found else None
