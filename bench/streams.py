"""A stream between two runners of the local stack, beside `cat | cat` and beside plain S3 of the same MiniStack.

1 GiB each. The rate is from the start of the producer's command to the consumer's last byte. Memory is the peak of
resident memory
(VmHWM) of the two agents and of the largest runner gateway Lambda while the bytes flow.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.figures import Goal, Report, cpu_seconds
from bench.stack import Stack, local_stack
from bench.stream_agent import peer as through_fifo
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.region import REGION

MIB = 1 << 20
CHUNK = 8 * MIB
"""The size of a stream's chunks."""
_BUCKET = "bench"
_PYTHON = """python3 - <<'END'
{}
END
"""
_SEND = """
import os, time
block = bytes(1 << 20)
print("began", time.time(), flush=True)
with open(os.environ["CADENCE_OUT_data"], "wb", buffering=0) as out:
    for _ in range({mebibytes}):
        out.write(block)
    print("ended", time.time(), flush=True)
"""
_RECEIVE = """
import os, time
size, first = 0, None
print("began", time.time(), flush=True)
with open(os.environ["CADENCE_IN_data"], "rb", buffering=0) as data:
    while piece := data.read(1 << 20):
        first = first or time.time()
        size += len(piece)
print("first", first)
print("ended", time.time())
print("size", size)
"""


def measure(mebibytes: int = 1024) -> Report:
    """One stream to warm up, one that is measured."""
    with local_stack() as stack:
        _stream(stack, 8)
        with _Peaks(stack) as peaks:
            sent, received = _stream(stack, mebibytes)
        put, get, both = _plain_s3(stack.ministack, mebibytes)
        alone = through_fifo(mebibytes, stack.paths.temporary)
    if received["size"] != mebibytes * MIB:
        raise RuntimeError(f"{received['size']} bytes came of {mebibytes * MIB}")
    report = Report(f"{mebibytes} MiB as a stream from one runner to another (local stack)")
    report.add("rate", _rate(mebibytes, received["ended"] - sent["began"]), "MB/s", Goal(250, at_least=True))
    both_ready = max(sent["began"], received["began"])
    report.add(
        "rate from the consumer's first byte on", _rate(mebibytes, received["ended"] - received["first"]), "MB/s"
    )
    report.add("both ready → first byte", (received["first"] - both_ready) * 1000, "ms", Goal(150))
    report.add("  producer's command runs → consumer's command runs", (received["began"] - sent["began"]) * 1000, "ms")
    report.add("cat | cat through one FIFO", _rate(mebibytes, alone), "MB/s", peer=True)
    report.add("plain S3, PUT only", _rate(mebibytes, put), "MB/s", peer=True)
    report.add("plain S3, GET only", _rate(mebibytes, get), "MB/s", peer=True)
    report.add("plain S3, a GET for each PUT, both at once", _rate(mebibytes, both), "MB/s", peer=True)
    for kind, seconds in peaks.cpu_seconds.items():
        report.add(f"CPU of {kind}, for 1 GiB", seconds * 1024 / mebibytes, "s")
    for process, peak in sorted(peaks.megabytes.items()):
        report.add(f"peak memory of {process}", peak, "MB")
    report.notes.append(
        f"Plain S3 moves chunks of {CHUNK // MIB} MiB over one connection in each direction, unhashed: what a relay through "
        "this store can reach at most. The consumer starts when its producer runs, so its start is within the rate."
    )
    return report


def _rate(mebibytes: int, seconds: float) -> float:
    return mebibytes * MIB / 1e6 / seconds


def _stream(stack: Stack, mebibytes: int) -> tuple[dict[str, float], dict[str, float]]:
    """What the producer and the consumer print: moments by name, and the size that came."""
    document: dict[str, Any] = {
        "cadence": 1,
        "name": "stream",
        "treatments": {
            "send": {
                "run": _PYTHON.format(_SEND.format(mebibytes=mebibytes)),
                "outputs": {"data": "Stream<byte>"},
            },
            "receive": {"run": _PYTHON.format(_RECEIVE), "inputs": {"data": "Stream<byte>"}},
        },
        "connections": ["send.data -> receive.data"],
    }
    run_id = stack.client.run_document(json.dumps(document))
    stack.finished(run_id, look_every=0.5)
    sent, received = (
        {line["text"].split()[0]: float(line["text"].split()[1]) for line in _lines(stack, run_id, treatment)}
        for treatment in ("send", "receive")
    )
    return sent, received


def _lines(stack: Stack, run_id: str, treatment: str) -> list[dict[str, Any]]:
    return [line for line in stack.client.all_logs(run_id, treatment=treatment) if line["stream"] == "stdout"]


def _plain_s3(ministack: MiniStack, mebibytes: int) -> tuple[float, float, float]:
    """Seconds for PUTs, for GETs, and for both at the same time."""
    client = ministack.client("s3")
    client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    names = [f"chunk-{number}" for number in range(mebibytes * MIB // CHUNK)]
    puts, gets = (
        [client.generate_presigned_url(f"{verb}_object", {"Bucket": _BUCKET, "Key": name}) for name in names]
        for verb in ("put", "get")
    )
    began = time.perf_counter()
    for _ in _request(ministack, "PUT", puts):
        pass
    put = time.perf_counter()
    for _ in _request(ministack, "GET", gets):
        pass
    get = time.perf_counter()
    written = threading.Semaphore(0)

    def write() -> None:
        for _ in _request(ministack, "PUT", puts):
            written.release()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    reading = _request(ministack, "GET", gets)
    for _ in names:
        written.acquire()
        next(reading)
    thread.join()
    return put - began, get - put, time.perf_counter() - get


def _request(ministack: MiniStack, method: str, urls: list[str]) -> Iterator[None]:
    """One request after another over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", ministack.port)
    body = bytes(CHUNK) if method == "PUT" else None
    for url in urls:
        address = urlsplit(url)
        connection.request(method, f"{address.path}?{address.query}", body=body)
        answer = connection.getresponse()
        while answer.read(MIB):
            pass
        if answer.status != 200:
            raise RuntimeError(f"{method} was answered with {answer.status}")
        yield
    connection.close()


class _Peaks:
    """Looks at processes every 50 ms: agents by what the host started, Lambdas by their name."""

    def __init__(self, stack: Stack) -> None:
        self._roots = {"host": stack.pid_of("host-agent"), "server": stack.pid_of("ministack")}
        self._before = {pid for root in self._roots.values() for pid in _descendants(root)}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.megabytes: dict[str, float] = {}
        self._began = _cpu_seconds(self._roots["server"])
        self._at_first = {pid: _cpu_seconds(pid) for pid in self._before}
        self._cpu: dict[str, dict[int, float]] = {"MiniStack": {}, "Lambdas": {}, "the two agents": {}, "commands": {}}

    @property
    def cpu_seconds(self) -> Mapping[str, float]:
        """By kind of process; of those that began in time, up to the last look at each."""
        return {kind: sum(seconds.values()) for kind, seconds in self._cpu.items()}

    def __enter__(self) -> "_Peaks":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            for pid in _descendants(self._roots["host"]) - self._before:
                agent = _is_agent(pid)
                self._cpu["the two agents" if agent else "commands"][pid] = _cpu_seconds(pid)
                if agent:
                    self._note("the larger of the two agents", pid)
            server = self._roots["server"]
            self._cpu["MiniStack"][server] = _cpu_seconds(server) - self._began
            for pid in _descendants(server):
                self._cpu["Lambdas"][pid] = _cpu_seconds(pid) - self._at_first.setdefault(pid, _cpu_seconds(pid))
                if b"AWS_LAMBDA_FUNCTION_NAME=cadence-main-runner-gateway\0" in _read(pid, "environ") + b"\0":
                    self._note("the largest runner gateway Lambda", pid)
            self._note("MiniStack, all objects in files", self._roots["server"])

    def _note(self, name: str, pid: int) -> None:
        for line in _read(pid, "status").decode().splitlines():
            if line.startswith("VmHWM:"):
                self.megabytes[name] = max(self.megabytes.get(name, 0.0), int(line.split()[1]) * 1024 / 1e6)


def _is_agent(pid: int) -> bool:
    """The agent is its host's program; what it runs is another."""
    return b"cadence-agent.pyz" in _read(pid, "cmdline")


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, 0 if it is gone."""
    try:
        return cpu_seconds(pid)
    except OSError:
        return 0.0


def _descendants(root: int) -> set[int]:
    """The processes below `root`, at this moment."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _read(int(entry.name), "stat").rpartition(b")")[2].split()
            if len(stat) > 1:
                children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, left = set(), [root]
    while left:
        for child in children.get(left.pop(), []):
            found.add(child)
            left.append(child)
    return found


def _read(pid: int, name: str) -> bytes:
    """A file of a process, empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
