"""Tells when the state of a stack was saved last, and what would be missing without a further save."""

import math
import shutil
import time
from datetime import datetime

from cadence.local.shared.paths import SAVED, StackPaths

# Saves happen every few seconds; on a busy machine they take longer.
_LATE_SECONDS = 120.0
_FULL_BYTES = 1 << 20


def last_save(paths: StackPaths) -> float | None:
    """Returns when the state was last saved completely (seconds since the epoch), None if it never was."""
    mark = paths.state / SAVED
    return mark.stat().st_mtime if mark.exists() else None


def missing(seconds: float) -> str:
    """Returns how much time a stack may have lost that went on so long after its last save."""
    minutes = math.ceil(seconds / 60)
    if seconds < 60:
        return "less than a minute"
    return f"{minutes} minutes" if minutes > 1 else "a minute"


def clock(moment: float) -> str:
    """Returns a moment as a user reads it."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S on %d %B")


def late_save(paths: StackPaths, now: float | None = None) -> str | None:
    """Returns a warning if a serving stack does not save any more, with the cause if its disk is full."""
    saved, now = last_save(paths), time.time() if now is None else now
    if saved is None:
        return None
    full = shutil.disk_usage(paths.home).free < _FULL_BYTES
    if now - saved <= (_LATE_SECONDS / 4 if full else _LATE_SECONDS):
        return None
    cause = f"the disk of {paths.home} is full" if full else f"see {paths.log('ministack')}"
    return (
        f"The state has not been saved since {clock(saved)}: {cause}. If the stack ended now, {missing(now - saved)} "
        "would be missing."
    )


def unsaved_end(paths: StackPaths, stop_began: float) -> str | None:
    """Returns a warning if a stack that has stopped could not save its state at its end."""
    saved = last_save(paths)
    if saved is None or saved >= stop_began:
        return None
    full = shutil.disk_usage(paths.home).free < _FULL_BYTES
    cause = f"the disk of {paths.home} is full" if full else f"see {paths.log('ministack')}"
    return (
        f"The state could not be saved at the end: {cause}. The next start continues from {clock(saved)}; "
        f"{missing(stop_began - saved)} may be missing."
    )
