"""Throughput of a stream through two agents and a chunk store, beside ``cat | cat`` through one FIFO.

The store is a threaded loopback server that keeps chunks in memory; it runs in a process of its own. Both sides
move the same number of bytes from /dev/zero in this run, on this machine. The agents' peaks are their own resident
memory (VmHWM).
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Goal, Report
from bench.value_checks import rates
from runner_bootstrap.build import build
from tests.integration.agent.fake_gateway import FakeGateway

MIB = 1 << 20
PORT = [{"port": "x", "flow": "stream", "type": "byte"}]


def peer(mebibytes: int, directory: Path) -> float:
    """Seconds for ``cat | cat`` through a FIFO."""
    fifo = directory / "fifo"
    os.mkfifo(fifo)
    started = time.perf_counter()
    script = 'head -c "$1" /dev/zero > "$2" & cat < "$2" | cat > /dev/null; wait'
    subprocess.run(["/bin/sh", "-c", script, "sh", str(mebibytes * MIB), str(fifo)], check=True)
    return time.perf_counter() - started


def serve(mebibytes: int, pipe: "multiprocessing.connection.Connection") -> None:
    """The fake gateway with two connected runners; tells when both are done and how long the bytes took."""
    gateway = FakeGateway()
    producer = gateway.add_runner(f'head -c {mebibytes * MIB} /dev/zero > "$CADENCE_OUT_x"', 1, outputs=PORT)
    consumer = gateway.add_runner('cat < "$CADENCE_IN_x" > /dev/null', 2, inputs=PORT)
    gateway.connect(producer, "x", consumer, "x")
    pipe.send((gateway.url, [(runner.runner_id, runner.token) for runner in (producer, consumer)]))
    pipe.recv()
    started = time.perf_counter()
    consumer.done.wait()
    elapsed = time.perf_counter() - started
    producer.done.wait()
    outcomes = [runner.completed["outcome"] for runner in (producer, consumer) if runner.completed]
    pipe.send((elapsed, outcomes))


def peak_of(pid: int) -> int:
    """Peak resident memory in MiB so far; 0 when the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def relay(mebibytes: int, directory: Path) -> tuple[float, list[int]]:
    """Seconds through two agents and the store, and both agents' peaks in MiB."""
    agent = build(directory / "agent.pyz")
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(mebibytes, theirs), daemon=True)
    server.start()
    url, runners = ours.recv()
    agents = []
    ours.send("go")
    for runner_id, token in runners:
        argv = [
            sys.executable,
            str(agent),
            "run",
            "--gateway",
            url,
            "--runner-id",
            runner_id,
            "--workspaces",
            str(directory),
        ]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(token.encode() + b"\n")
        process.stdin.close()
        agents.append(process)
    peaks = [0, 0]
    while not ours.poll(0.05):
        peaks = [max(peak, peak_of(process.pid)) for peak, process in zip(peaks, agents, strict=True)]
    elapsed, outcomes = ours.recv()
    assert outcomes == ["succeeded", "succeeded"], outcomes
    for process in agents:
        process.wait()
    return elapsed, peaks


def measure(mebibytes: int = 1024) -> Report:
    """The agents alone: without the control plane's own work and without its store."""
    report = Report(f"{mebibytes} MiB through two agents and a store in memory, without the rest of the stack")
    with tempfile.TemporaryDirectory(prefix="cadence-bench-") as name:
        alone = peer(mebibytes, Path(name))
        elapsed, peaks = relay(mebibytes, Path(name))
    report.add("rate, with the agents' start", mebibytes * MIB / 1e6 / elapsed, "MB/s", Goal(200, at_least=True))
    report.add("cat | cat through one FIFO", mebibytes * MIB / 1e6 / alone, "MB/s", peer=True)
    for side, peak in zip(("producer", "consumer"), peaks, strict=True):
        report.add(f"peak memory of the {side}'s agent", peak, "MiB")
    for name, rate in rates().items():
        report.add(f"values checked before they are sent: {name}", rate, "MB/s")
    return report
