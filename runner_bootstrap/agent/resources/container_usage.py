"""What another container of the pod uses, as its own control group (of either version) counts it."""

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
#: Prints the counters with the shell alone: `name value` or `value` lines, preceded by `file NAME` for each file.
READ_USAGE = (
    f"for file in {' '.join(_FILES)}; do "
    '{ echo "file $file"; while read -r line; do echo "$line"; done <"/sys/fs/cgroup/$file"; } 2>/dev/null; done; :'
)


class ContainerUsage(NamedTuple):
    """Usage since the container began, memory in bytes.

    ``killed`` is the number of its processes that the kernel has killed for exceeding the memory limit.
    """

    cpu_seconds: float
    memory: int
    memory_peak: int
    killed: int


def usage_from(text: str) -> Optional[ContainerUsage]:
    """Parses the output of READ_USAGE; None if it holds no CPU time."""
    counters = _read(text)
    if "cpu.stat usage_usec" in counters:
        numbers = (counters.get(name, 0) for name in ("memory.current", "memory.peak", "memory.events oom_kill"))
        return ContainerUsage(counters["cpu.stat usage_usec"] / 1e6, *numbers)
    if "cpuacct/cpuacct.usage" in counters:
        first = (
            "memory/memory.usage_in_bytes",
            "memory/memory.max_usage_in_bytes",
            "memory/memory.oom_control oom_kill",
        )
        return ContainerUsage(counters["cpuacct/cpuacct.usage"] / 1e9, *(counters.get(name, 0) for name in first))
    return None


def _read(text: str) -> dict[str, int]:
    counters, file = {}, ""
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name == "file":
            file = value
        elif value.isdigit():
            counters[f"{file} {name}".rstrip()] = int(value)
    return counters
