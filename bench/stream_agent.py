"""Throughput of a stream through two agents and a chunk store, beside ``cat | cat`` through one FIFO.

    python bench/stream_agent.py [MiB]

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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from runner_bootstrap.build import build  # noqa: E402
from tests.integration.agent.fake_gateway import FakeGateway  # noqa: E402

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


def main() -> None:
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        alone = peer(mebibytes, directory)
        print(
            f"cat | cat through a FIFO:   {mebibytes * MIB / 1e6 / alone:8.0f} MB/s  ({mebibytes} MiB in {alone:.2f} s)"
        )
        elapsed, peaks = relay(mebibytes, directory)
        rate = mebibytes * MIB / 1e6 / elapsed
        print(
            f"two agents and a store:     {rate:8.0f} MB/s  ({mebibytes} MiB in {elapsed:.2f} s with the agents' start)"
        )
        print(f"peak memory: producer's agent {peaks[0]} MiB, consumer's agent {peaks[1]} MiB")


if __name__ == "__main__":
    main()
