"""What a host has found on its machine to keep commands apart, in lines for its operator."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Sequence
from typing import Callable

from ..containers.container_engine import ENGINES
from ..execution import private_network
from ..execution.sandbox import Bubblewrap

#: An engine on a busy machine takes half a minute to answer.
ENGINE_SECONDS = 120
_ANSWERS = "version"


def found(limits: bool) -> Sequence[str]:
    """Returns a line for each means that is there or missing; ``limits``: those of CPU and memory are enforced.

    Everything was tried before, without threads.
    """
    sandbox, network = Bubblewrap.program(), private_network.program()
    lines = [
        f"found {sandbox}: commands without an image run in a sandbox"
        if sandbox
        else "found no bubblewrap that works: commands without an image see all files of this user, and pools with "
        "require_sandbox refuse them. Install bubblewrap and start the host again",
        f"found {network}: pools with private_network can use this machine"
        if network
        else "found no slirp4netns that works: commands without an image use this machine's network, and pools with "
        "private_network refuse them",
    ]
    if not limits:
        lines.append(
            "limits of CPU and memory are not enforced for commands without an image: "
            "run the host as root, or with Delegate=yes in its unit"
        )
    return lines


def report_container_engine(say: Callable[[str], None]) -> None:
    """Asks the container engine whether it works, on a thread: joining the pool does not wait for its answer."""
    threading.Thread(target=lambda: say(_container_engine()), name="container-engine", daemon=True).start()


def _container_engine() -> str:
    program = next((path for engine in ENGINES if (path := shutil.which(engine))), None)
    if program is None:
        return f"found none of {', '.join(ENGINES)}: treatments with an image fail on this machine"
    try:
        done = subprocess.run(
            [program, _ANSWERS],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ENGINE_SECONDS,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"found {program}, which does not answer: {error}"
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return f"found {program}, which does not work: {words[-1] if words else 'it gave no reason'}"
    return f"found {program}: treatments with an image run in containers"
