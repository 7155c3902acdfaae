"""Pipes that hold much, so that a command that prints much seldom waits for its reader."""

from __future__ import annotations

import fcntl
import io

READ_BYTES = 256 << 10
_SET_SIZE = 1031  # F_SETPIPE_SZ of Linux, which Python names from 3.10 on


def widened(pipe: io.FileIO) -> None:
    """Lets a pipe hold `READ_BYTES`; what is no pipe, or may not, stays as it is."""
    try:
        fcntl.fcntl(pipe.fileno(), _SET_SIZE, READ_BYTES)
    except OSError:
        return
