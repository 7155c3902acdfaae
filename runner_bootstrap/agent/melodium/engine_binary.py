"""Finds the Mélodium engines of this machine and their versions."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..containers.container_engine import ENGINES, further_arguments
from ..shared.engine_release import EngineRelease, release_of

#: The variable with the paths of engines, separated like those in PATH.
PROGRAM = "CADENCE_MELODIUM"
#: The variable that names images with an engine each, separated by blanks.
IMAGE = "CADENCE_MELODIUM_IMAGE"
ANSWER_SECONDS = 10
#: Seconds, including the pull of an image.
PULL_SECONDS = 600
_IN_IMAGE = "melodium"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")
_NUMBERS = re.compile(r"\d+")


class EngineBinary(NamedTuple):
    path: str
    version: str
    image: Optional[str] = None

    @property
    def release(self) -> EngineRelease:
        return release_of(self.version)


@functools.lru_cache(maxsize=None)
def installed() -> "tuple[EngineBinary, ...]":
    """Returns the Mélodium engines of this machine, one of each version, the newest first.

    They are those that ``CADENCE_MELODIUM`` names, else that in PATH; then those of the images in
    ``CADENCE_MELODIUM_IMAGE``. They are looked up once, and processes forked later keep the result.
    """
    images = os.environ.get(IMAGE, "").split()
    paths = [path for path in os.environ.get(PROGRAM, "").split(os.pathsep) if path]
    found_in_path = shutil.which("melodium") if not paths and not images else None
    paths += [found_in_path] if found_in_path else []
    engines = [EngineBinary(path, version) for path in paths if (version := _version([path], ANSWER_SECONDS))]
    runtime = next((match for name in ENGINES if (match := shutil.which(name))), None) if images else None
    for image in images if runtime else ():
        argv = [str(runtime), "run", "--rm", *further_arguments(), "--entrypoint", _IN_IMAGE, image]
        version = _version(argv, PULL_SECONDS)
        engines += [EngineBinary(_IN_IMAGE, version, image)] if version else []
    by_version = {engine.version: engine for engine in reversed(engines)}
    return tuple(sorted(by_version.values(), key=_order, reverse=True))


def programs() -> "tuple[EngineBinary, ...]":
    """Returns the engines that are on this machine itself: those in images serve workers only."""
    return tuple(engine for engine in installed() if not engine.image)


def in_words() -> str:
    """Returns the versions that this machine has, for messages and facts; empty if it has none."""
    return ", ".join(engine.version + (" in an image" if engine.image else "") for engine in installed())


def _order(engine: EngineBinary) -> "list[int]":
    return [int(number) for number in _NUMBERS.findall(engine.version)]


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
