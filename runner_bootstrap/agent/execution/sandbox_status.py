"""Whether a sandbox was set up. Bubblewrap exits with 1 where it was not, as the command in it may, too.

It copies the machine's mounts one by one, and fails if one goes away meanwhile: that of a container that ends, say.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Optional

#: Starts of a command whose sandbox cannot be set up.
SETUPS = 5
_LONGEST = 4096


class SandboxStatus:
    """What bubblewrap tells of one launch: an exit code only where the command was started."""

    def __init__(self, argv: Sequence[str], program_at: Optional[int]) -> None:
        """``program_at`` is the position of bubblewrap in ``argv``; None where it is not used."""
        self.argv = list(argv)
        self._ours: Optional[int] = None
        self._theirs: Optional[int] = None
        if program_at is not None:
            self._ours, self._theirs = os.pipe()
            # What bubblewrap itself was started by may outlive it, and keep the other end open.
            os.set_blocking(self._ours, False)
            os.set_inheritable(self._theirs, True)
            self.argv[program_at + 1 : program_at + 1] = ["--json-status-fd", str(self._theirs)]

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors that bubblewrap needs beside the standard streams."""
        return () if self._theirs is None else (self._theirs,)

    def started(self) -> None:
        """Closes what is only for bubblewrap, which has been started or cannot be."""
        if self._theirs is not None:
            os.close(self._theirs)
            self._theirs = None

    def take(self) -> bool:
        """Returns whether the sandbox, if there is one, was set up. Call it once, after its end."""
        if self._ours is None:
            return True
        told = b""
        with contextlib.suppress(BlockingIOError):
            told = os.read(self._ours, _LONGEST)
        os.close(self._ours)
        return b'"exit-code"' in told
