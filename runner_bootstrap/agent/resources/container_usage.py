"""What another container of the pod uses, as its own control group counts it, of either version."""

from __future__ import annotations

from typing import NamedTuple, Optional

_FILES = (
    "cpu.stat",
    "memory.current",
    "memory.peak",
    "memory.events",
    "cpuacct/cpuacct.usage",
    "memory/memory.usage_in_bytes",
    "memory/memory.max_usage_in_bytes",
    "memory/memory.oom_control",
)
#: Read there with nothing but the shell: `name value` or `value` lines, each file's after its name.
READ_USAGE = (
    f"for file in {' '.join(_FILES)}; do "
    '{ echo "file $file"; while read -r line; do echo "$line"; done <"/sys/fs/cgroup/$file"; } 2>/dev/null; done; :'
)


class ContainerUsage(NamedTuple):
    """Since it began; bytes. ``killed``: how many of its processes the kernel has ended for the memory they took."""

    cpu_seconds: float
    memory: int
    memory_peak: int
    killed: int


def usage_from(text: str) -> Optional[ContainerUsage]:
    """None if the container could not tell its CPU time."""
    found = _read(text)
    if "cpu.stat usage_usec" in found:
        numbers = (found.get(name, 0) for name in ("memory.current", "memory.peak", "memory.events oom_kill"))
        return ContainerUsage(found["cpu.stat usage_usec"] / 1e6, *numbers)
    if "cpuacct/cpuacct.usage" in found:
        first = (
            "memory/memory.usage_in_bytes",
            "memory/memory.max_usage_in_bytes",
            "memory/memory.oom_control oom_kill",
        )
        return ContainerUsage(found["cpuacct/cpuacct.usage"] / 1e9, *(found.get(name, 0) for name in first))
    return None


def _read(text: str) -> dict[str, int]:
    found, file = {}, ""
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name == "file":
            file = value
        elif value.isdigit():
            found[f"{file} {name}".rstrip()] = int(value)
    return found
