"""Runs a command that ends with its starter, however the starter ends.

The standard input is a pipe from the starter; the system closes it even when the starter is killed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

GRACE_SECONDS = 10.0


def watch(on_end: Callable[[], None]) -> None:
    """Calls `on_end` from a thread once the starter has closed its end of the standard input."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        on_end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def main() -> int:
    """Runs the command of the arguments and forwards SIGTERM to it; returns its exit status."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def end(*_: object) -> None:
        child.terminate()
        force = threading.Timer(GRACE_SECONDS, child.kill)
        force.daemon = True
        force.start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(end)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
