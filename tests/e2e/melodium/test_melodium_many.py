"""Many engines report at once, one of them a chunk that is larger than what a process may have in memory at ease."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cadence.local.ministack.fork_server import LONGEST_COMM
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.fake_engine import FakeEngine, debug_chunk, sent

pytestmark = pytest.mark.slow

ENGINES, CHUNKS, LINES = 20, 3, 50
# 200 MB of JSON.
LARGE = [2**20] * 15 + [70_001]
SMALL = [1_000, 10]
LAMBDA_MEBIBYTES = 1769


def test_nothing_is_lost_when_twenty_engines_report_at_once(stack: Stack, api: Api) -> None:
    engines = [FakeEngine(f"{stack.url}/0.1", stack.token) for _ in range(ENGINES)]
    large = debug_chunk(LARGE)
    assert len(large) > 190_000_000

    def report(engine: FakeEngine) -> None:
        engine.start()
        engine.upload("debug", 0, large if engine is engines[0] else debug_chunk(SMALL))
        for number in range(CHUNKS):
            engine.upload("logs", number, engine.lines(number * LINES, LINES))
        engine.end()

    with ThreadPoolExecutor(ENGINES) as at_once:
        list(at_once.map(report, engines))
    for engine in engines:
        assert api.finished(engine.run_id, 240)["state"] == "succeeded"
        lines = [line["text"] for line in api.lines(engine.run_id, CHUNKS * LINES)]
        assert lines == [f"line {number}" for number in range(CHUNKS * LINES)]
        sizes = LARGE if engine is engines[0] else SMALL
        value = api.value(engine.run_id, "main%2Fsource", "data")
        assert (value["size"], value["sha256"]) == (sum(sizes), hashlib.sha256(sent(sizes)).hexdigest())
    peaks = peak_memory("melodium-reports")
    assert peaks and max(peaks) < LAMBDA_MEBIBYTES, peaks
    print(f"Lambdas that took reports in: {len(peaks)}, at most {max(peaks)} MiB each")


def peak_memory(function: str) -> list[int]:
    """MiB of each process of a Lambda on this stack, at its most."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == function[-LONGEST_COMM:]:
                status = (process / "status").read_text()
                found.append(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
        except (OSError, IndexError):
            continue  # it has just ended
    return found
