"""VictoriaLogs, the log system that the search index is measured beside: built from the Go module proxy, run on
loopback.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cadence.local.shared.ports import first_free

VERSION = "v1.52.1"
_MODULE = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"
_CACHE = Path.home() / ".cache" / "cadence-peers" / f"victoria-logs-{VERSION}"
_STREAM_FIELDS = "project,pipeline,treatment"


def binary() -> Path | None:
    """The program, built once; None (with the reason on stderr) if there is no Go, or it does not build."""
    program = _CACHE / "victoria-logs"
    if not program.exists():
        if shutil.which("go") is None:
            return None
        environment = os.environ | {"GOBIN": str(_CACHE)}
        subprocess.run(["go", "install", f"{_MODULE}@{VERSION}"], env=environment, check=False)
    return program if program.exists() else None


@dataclass
class VictoriaLogs:
    """A running one, with its data in `folder`."""

    url: str
    process: "subprocess.Popen[bytes]"
    folder: Path

    def insert(self, body: bytes) -> None:
        """JSON lines with `_time`, `_msg` and fields."""
        parameters = {"_stream_fields": _STREAM_FIELDS, "_time_field": "_time", "_msg_field": "_msg"}
        answer = requests.post(f"{self.url}/insert/jsonline", params=parameters, data=body, timeout=120)
        answer.raise_for_status()

    def flush(self) -> None:
        requests.get(f"{self.url}/internal/force_flush", timeout=600).raise_for_status()

    def query(self, query: str, limit: int | None) -> list[dict[str, Any]]:
        parameters: dict[str, str | int] = {"query": query} | ({"limit": limit} if limit else {})
        answer = requests.post(f"{self.url}/select/logsql/query", data=parameters, timeout=300)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.content.splitlines() if line]

    def cpu_seconds(self) -> float:
        """Of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def bytes_on_disk(self) -> int:
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


@contextmanager
def victoria_logs(program: Path, folder: Path) -> Iterator[VictoriaLogs]:
    address = f"127.0.0.1:{first_free()}"
    command = [str(program), f"-storageDataPath={folder}", f"-httpListenAddr={address}", "-retentionPeriod=10y"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        running = VictoriaLogs(f"http://{address}", process, folder)
        _wait(running)
        yield running
    finally:
        process.terminate()
        process.wait(60)


def as_json_lines(project: str, pipeline: str, run_id: str, lines: Iterable[Any]) -> bytes:
    """A segment's lines as VictoriaLogs takes them."""
    return "".join(
        json.dumps(
            {
                "_time": line["time"],
                "_msg": line["text"],
                "project": project,
                "pipeline": pipeline,
                "run": run_id,
                **{name: line[name] for name in ("treatment", "runner", "pool", "stream", "level")},
                "seq": line["seq"],
            }
        )
        + "\n"
        for line in lines
    ).encode()


def _wait(running: VictoriaLogs) -> None:
    for _ in range(200):
        try:
            requests.get(f"{running.url}/health", timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("VictoriaLogs does not answer")
