"""A command that prints as fast as it can, while another treatment prints a line now and then.

    python -m bench log_flood [--flood 3000000]

The command prints the same lines twice, first to /dev/null: so it says by itself how much the log held it back. What
the chain costs is told as CPU seconds of each process for a million lines, which hold on a busy machine; agent → stream
ends when the treatment ends, since its last line is durable in the stream then, stream → log when a reader can read it.
"""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Goal, Report, median, percentile
from bench.stack import LONGEST_SECONDS, Stack, local_stack, moment, until
from cadence.cli.client.runs import is_final

EVERY = 0.1
_PRINT = r"""awk 'BEGIN { for (i = 0; i < %d; i++) printf "tests/orders/test_cart.py::test_case_%%d PASSED in %%.3f s request_id=%%08x%%08x\n", i, i %% 977 / 100, i * 7919 %% 2147483647, i * 104729 %% 2147483647 }'"""
_FLOOD = """
cadence: 1
name: flood
treatments:
  flood:
    run: |
      now() {{ date +%s.%N; }}
      began=$(now); {print} > /dev/null; plain=$(now)
      {print}
      echo "took $began $plain $(now)"
"""
_OTHER = """
cadence: 1
name: other
treatments:
  other: {{run: "while true; do i=$((i + 1)); echo tick$i; sleep {every}; done"}}
"""
_CLOCK = os.sysconf("SC_CLK_TCK")


def measure(flood: int = 3_000_000) -> Report:
    report = Report(f"A command that prints {flood:,} lines (local stack), and another that prints one every 100 ms")
    with local_stack() as stack:
        stack.finished(stack.client.run_document(flood_document(1_000)))
        other = stack.client.run_document(_OTHER.format(every=EVERY))
        late: list[float] = []
        follower = threading.Thread(target=_follow, args=(stack, other, late))
        follower.start()
        until(lambda: len(late) >= 20 or None)
        quiet = list(late)
        late.clear()
        with _measured() as cpu:
            run_id = stack.client.run_document(flood_document(flood))
            run = stack.finished(run_id, longest=2 * LONGEST_SECONDS)
            in_stream = time.time()
            sent = cpu.seconds()
            lines = flood + 1
            until(lambda: lines_of(stack, run_id) >= lines or None, 0.2)
            in_log = time.time()
        stack.client.cancel(other)
        follower.join()
        told = next(
            line
            for line in stack.client.logs(run_id, before="end", limit=5)["lines"]
            if line["text"].startswith("took ")
        )
        began, plain, ended = map(float, told["text"].split()[1:])
        treatment = run["treatments"][0]
        started = moment(treatment["started_at"]) + plain - began
        report.add("the command alone", plain - began, "s")
        report.add("the command, its output logged", ended - plain, "s")
        report.add("agent → stream, lines a second", flood / (in_stream - started), "/s", Goal(100_000, at_least=True))
        report.add("  of which after the command's end", in_stream - ended, "s")
        report.add("agent → log, lines a second", flood / (in_log - started), "/s")
        report.add("others' lines before, p95", percentile(quiet, 95), "ms")
        report.add("others' lines meanwhile, p50", median(late), "ms")
        report.add("others' lines meanwhile, p95", percentile(late, 95), "ms", Goal(1000))
        report.add("others' lines meanwhile, the latest", max(late), "ms")
        for name, seconds in sorted(cpu.seconds().items(), key=lambda one: -one[1]):
            if seconds >= 0.1:
                until_sent = sent.get(name, 0.0)
                report.add(f"CPU s for a million lines: {name}", seconds * 1e6 / flood, "s")
                report.add("  until the last line was in the stream", until_sent * 1e6 / flood, "s")
        for name, megabytes in sorted(cpu.memory.items(), key=lambda one: -one[1]):
            if megabytes >= 100:
                report.add(f"most memory of one process: {name}", megabytes, "MB")
    return report


def flood_document(lines: int) -> str:
    """A pipeline whose command prints so many lines of a test run, and one more that says how long that took."""
    return _FLOOD.format(print=_PRINT % lines)


def lines_of(stack: Stack, run_id: str) -> int:
    """How many lines a reader of the run's log can read."""
    return int(stack.client.logs(run_id, before="end", limit=1)["total"] or 0)


def _follow(stack: Stack, run_id: str, late: list[float]) -> None:
    after, ended = None, False
    while not ended:
        ended = is_final(stack.client.run(run_id)["state"])
        answer = stack.client.logs(run_id, after=after, wait=2)
        now = time.time()
        after = answer["after"]
        late += [1000 * (now - moment(line["time"])) for line in answer["lines"]]


@dataclass
class _Processes:
    """CPU seconds of the processes that descend from this one, by name, since the beginning."""

    before: Mapping[int, float] = field(default_factory=dict)
    last: dict[int, tuple[str, float]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        for pid, name, seconds, megabytes in _descendants():
            self.last[pid] = name, seconds
            self.memory[name] = max(megabytes, self.memory.get(name, 0.0))

    def seconds(self) -> dict[str, float]:
        self.look()
        total: dict[str, float] = defaultdict(float)
        for pid, (name, seconds) in self.last.items():
            total[name] += seconds - self.before.get(pid, 0.0)
        return total


@contextmanager
def _measured() -> Iterator[_Processes]:
    processes = _Processes({pid: seconds for pid, _, seconds, _ in _descendants()})
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            processes.look()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield processes
    finally:
        done.set()
        looking.join()


def _descendants() -> Iterator[tuple[int, str, float, float]]:
    """Process, name, CPU seconds (with those of children that ended), resident megabytes."""
    found: dict[int, tuple[int, str, float, float]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                comm, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
                command = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            fields = rest.split()
            seconds = (int(fields[11]) + int(fields[12])) / _CLOCK
            memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
            found[int(folder.name)] = int(fields[1]), _name(comm, command), seconds, memory
    ours = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, (parent, *_) in found.items() if parent in ours} - ours
        grown = bool(more)
        ours |= more
    for pid in ours - {os.getpid()}:
        if pid in found:
            yield pid, *found[pid][1:]


def _name(comm: str, command: list[str]) -> str:
    words = " ".join(command)
    if "ministack" in words and "fork_server" not in words:
        return "MiniStack"
    if "agent" in words:
        return "agent"
    return comm
