"""Engines alone, on a machine whose clock is set beyond the end of the certificate in engines of 0.10.2."""

import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cadence.domain.melodium.certificate import OLD_ROOT_UNTIL
from cadence.local.shared.ports import first_free
from tests.e2e.engine import WRITTEN, Engine, Ids, binary_of, in_version, is_listening
from tests.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not shutil.which("faketime"),
        reason="faketime, which sets an engine's clock, is not installed (apt-get install faketime)",
    ),
]

KEY = "22222222-2222-4222-8222-222222222222"
NOWHERE = "http://127.0.0.1:9"
OLD, NEW = "0.10.2", "0.11.0"


def with_clock(at: datetime) -> dict[str, str]:
    """Variables of an engine whose clock begins at a time and goes on from there; its timers are the real ones.

    Not the command `faketime` itself: it stays in front of the engine, which outlives it when it is killed.
    """
    asked = ["faketime", "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "LD_PRELOAD": library,
        "FAKETIME": f"@{at:%Y-%m-%d %H:%M:%S}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }


def said_by_the_worker(version: str, at: datetime, folder: Path) -> tuple[str, str]:
    """Starts a worker and an engine that asks it to repeat a word; returns the answer and what the asking one wrote."""
    binary, asking, port = binary_of(version), Ids(), first_free()
    if not binary.is_file():
        pytest.skip(f"the Mélodium engine {version} is not there: `.ci/peers` builds it")
    program, answer, key = (folder / name for name in ("given_worker.mel", "answer", "key"))
    program.write_text(in_version((WRITTEN / program.name).read_text(), version))
    key.write_text(KEY)
    given = KEY if version == OLD else f"file:{key}"
    waits = ["--port", str(port), "--recv-key", KEY, "--send-key", KEY, "--wait", "120", "--duration", "60"]
    keys = ["--remote_key", given, "--self_key", given]
    asks = ["--port", str(port), *keys, "--word", "a word", "--answer", str(answer)]
    engine, variables = Engine(NOWHERE, ""), with_clock(at)
    with subprocess.Popen(
        [str(binary), "dist", "--localhost", *waits],
        env={**engine.environment(Ids(group=asking.group)), **variables},
    ) as worker:
        try:
            eventually(lambda: is_listening(port) or worker.poll() is not None)
            done = subprocess.run(
                [str(binary), "run", str(program), *asks], env={**engine.environment(asking), **variables},
                capture_output=True, text=True, timeout=120, check=True,
            )  # fmt: skip
        finally:
            worker.kill()
    return answer.read_text() if answer.exists() else "", done.stdout + done.stderr


def test_an_engine_accepts_no_worker_once_its_certificate_has_ended(tmp_path: Path) -> None:
    answer, written = said_by_the_worker(OLD, OLD_ROOT_UNTIL + timedelta(seconds=1), tmp_path)
    assert answer == ""
    assert "invalid peer certificate: certificate expired" in written
    assert f"not valid after {OLD_ROOT_UNTIL.timestamp():.0f}" in written


@pytest.mark.parametrize(
    ("version", "after"),
    [(OLD, -timedelta(days=1)), (NEW, timedelta(seconds=1)), (NEW, timedelta(days=365))],
    ids=["old-a-day-before", "new-at-the-end", "new-a-year-later"],
)
def test_other_engines_reach_their_workers(tmp_path: Path, version: str, after: timedelta) -> None:
    answer, written = said_by_the_worker(version, OLD_ROOT_UNTIL + after, tmp_path)
    assert answer == "a word", written
