"""What the version of a Mélodium engine decides: its protocol, its form of values, and its options."""

from __future__ import annotations

import re
from typing import NamedTuple

#: What a pool may capture, as pools' value policies name it, and the engine's word for it.
DEBUG_LEVELS = {"full": "detailed", "digest": "basic", "none": "none"}
_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class EngineRelease(NamedTuple):
    """``protocol`` is the version of the distribution protocol.

    ``packs_values``: values of one batch have one tag (``{"U64": [1, 2]}``). ``has_debug_levels``: an engine reports
    values only at the level ``detailed``. ``has_key_files``: keys are read from files. ``ends_gracefully``: SIGTERM
    ends the work, and the exit status is 128 and the signal's number.
    """

    version: str
    protocol: str
    packs_values: bool
    has_debug_levels: bool
    has_key_files: bool
    ends_gracefully: bool

    def debug_level(self, policy: str) -> list[str]:
        """Returns the options for a value policy (``full``, ``digest`` or ``none``)."""
        return ["--debug-level", DEBUG_LEVELS[policy]] if self.has_debug_levels else []


def release_of(version: str) -> EngineRelease:
    """Returns the release; a version without numbers counts as the newest."""
    match = _NUMBERS.match(version)
    numbers = tuple(map(int, match.groups())) if match else (0, 11, 0)
    packs, newer = numbers >= (0, 10, 3), numbers >= (0, 11, 0)
    return EngineRelease(version, "0.3.0" if packs else "0.1.0", packs, newer, newer, newer)
