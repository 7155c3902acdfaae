"""The standard streams of a command, kept for another start while its sandbox may not be set up yet."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

from ..shared.clock import Deadline

#: Far longer than a sandbox takes. Later a command could wait for the end of a stream that is held open here.
SETUP_SECONDS = 1.0


class StandardStreams(NamedTuple):
    """Descriptors of the command's standard input and output, closed by the caller that starts it.

    None means no input, and output to the log.
    """

    stdin: Optional[int] = None
    stdout: Optional[int] = None


class SpareStreams:
    """Copies of standard streams for another start; gone after ``SETUP_SECONDS``."""

    def __init__(self, streams: StandardStreams) -> None:
        self._streams: Optional[StandardStreams] = StandardStreams(
            *(None if end is None else os.dup(end) for end in streams)
        )
        self._until = Deadline(SETUP_SECONDS)

    def take(self) -> Optional[StandardStreams]:
        """Returns them, if they are still there, to whoever closes them from now on."""
        taken, self._streams = self._streams, None
        return taken

    def expire(self) -> None:
        """Closes them if their time is over."""
        if self._until.passed:
            self.close()

    def close(self) -> None:
        """Closes them unless they were taken."""
        for end in self.take() or ():
            if end is not None:
                os.close(end)
