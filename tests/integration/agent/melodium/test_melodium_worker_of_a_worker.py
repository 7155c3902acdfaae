"""What an engine that is a worker hears of a worker of its own: engines alone, with nothing of Cadence between them.

It holds what docs/melodium-contract.md (§10) says of it, where the same is shown by hand. Where a later engine fails
here because it is mended, what docs/melodium.md advises against it can go.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cadence.local.shared.ports import first_free
from tests.e2e.engine import BINARY, HAS_SECRETS, WRITTEN, Engine, Ids, in_version, is_listening, needs_engine
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, needs_engine]

KEY = "11111111-1111-4111-8111-111111111111"


@contextmanager
def worker(ids: Ids, seconds: int) -> Iterator[int]:
    """An engine that waits for another one, and works so long at the most; its port."""
    engine, port = Engine("http://127.0.0.1:9", ""), first_free()
    words = ("--port", str(port), "--recv-key", KEY, "--send-key", KEY, "--wait", "60", "--duration", str(seconds))
    with engine.running("dist", "--localhost", *words, ids=ids) as process:
        eventually(lambda: is_listening(port) or process.poll() is not None)
        yield port
        process.wait(120)


# With a `startup` that ends before the worker is asked for anything the answer is lost in most runs, not in all: the
# contract has the counts.
@pytest.mark.parametrize("middle", ["plain", "with_long_startup"])
def test_a_worker_hears_its_own_worker_unless_a_track_ended_before_its_first(tmp_path: Path, middle: str) -> None:
    asking, answer, key = Ids(), tmp_path / "answer", tmp_path / "worker.key"
    key.write_text(KEY)
    program = tmp_path / "worker_of_a_worker.mel"
    text = in_version((WRITTEN / program.name).read_text())
    program.write_text(text.replace("file:worker.key", f"file:{key}" if HAS_SECRETS else KEY))
    with worker(Ids(group=asking.group), 60) as first, worker(Ids(group=asking.group), 60) as second:
        words = ("--first", str(first), "--second", str(second), "--middle", f"worker_of_a_worker::{middle}")
        done = subprocess.run(
            [str(BINARY), "run", str(program), *words, "--answer", str(answer)],
            env=Engine("http://127.0.0.1:9", "").environment(asking), capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    assert done.stderr == ""
    assert answer.read_text() == "a word", done.stdout
