"""The agents that a run has on this machine, found by what their commands are named after."""

import re
from contextlib import suppress
from pathlib import Path


def agents_of(run_id: str) -> dict[int, str]:
    """Process id to runner id of the agents on this machine that execute a command of the run."""
    found = {}
    for process, words in command_lines().items():
        workspace = re.search(rf"cadence-({run_id}-[0-9a-f]{{12}}-\d+)-", words)
        parent = parent_of(process)
        if workspace and parent and workspace[1] not in command_lines(parent).get(parent, ""):
            # The command's outermost process; above it are the keeper that cleans up after it, and the agent.
            agent = parent_of(parent)
            if agent:
                found[agent] = workspace[1]
    return found


def command_lines(only: int | None = None) -> dict[int, str]:
    """Command lines of this machine's processes; those that ended meanwhile are left out."""
    folders = [Path(f"/proc/{only}")] if only else [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    lines = {}
    for folder in folders:
        with suppress(OSError):
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
    return lines


def parent_of(process: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def process_of_connection(port: int) -> int | None:
    """Who holds the connection that leaves this machine's loopback interface from `port`."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].rpartition(":")[2], 16) == port and words[3] == "01":
            return _holder(f"socket:[{words[9]}]")
    return None


def _holder(socket: str) -> int | None:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if any(str(handle.readlink()) == socket for handle in (folder / "fd").iterdir()):
                    return int(folder.name)
    return None
