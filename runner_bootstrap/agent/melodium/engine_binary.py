"""Finds the Mélodium engine of this machine and its version."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..containers.container_engine import ENGINES, further_arguments

PROGRAM = "CADENCE_MELODIUM"
#: The variable that names an image with the engine, for machines without an engine of their own.
IMAGE = "CADENCE_MELODIUM_IMAGE"
ANSWER_SECONDS = 10
#: Seconds, including the pull of an image.
PULL_SECONDS = 600
_IN_IMAGE = "melodium"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")


class EngineBinary(NamedTuple):
    path: str
    version: str
    image: Optional[str] = None


@functools.lru_cache(maxsize=None)
def installed() -> Optional[EngineBinary]:
    """Returns the Mélodium engine of this machine, or None.

    It is the one that ``CADENCE_MELODIUM`` names, else that of the image in ``CADENCE_MELODIUM_IMAGE``, else that in
    PATH. It is looked up once, and processes forked later keep the result.
    """
    image = os.environ.get(IMAGE)
    if image and not os.environ.get(PROGRAM):
        engine = next((match for name in ENGINES if (match := shutil.which(name))), None)
        if engine is None:
            return None
        argv = [engine, "run", "--rm", *further_arguments(), "--entrypoint", _IN_IMAGE, image]
        version = _version(argv, PULL_SECONDS)
        return EngineBinary(_IN_IMAGE, version, image) if version else None
    path = os.environ.get(PROGRAM) or shutil.which("melodium")
    version = _version([path], ANSWER_SECONDS) if path else None
    return EngineBinary(path, version) if path and version else None


def _version(argv: Sequence[str], seconds: float) -> Optional[str]:
    try:
        done = subprocess.run(
            [*argv, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return match[0] if done.returncode == 0 and match else None
