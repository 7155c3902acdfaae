"""Bad input costs little: a bounded amount of processor time and of memory for each hostile document."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.pipelines.document.bounded import DOCUMENTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def checker() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.pipelines.document.bounded"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("what", DOCUMENTS)
def test_is_refused_within_bounds_of_time_and_memory(what: str, checker: subprocess.Popen[str]) -> None:
    _, code, line, column = DOCUMENTS[what]
    assert checker.stdin is not None and checker.stdout is not None

    checker.stdin.write(what + "\n")
    checker.stdin.flush()
    checked = json.loads(checker.stdout.readline())

    assert "ended_by" not in checked, f"{checked['ended_by']}: it took too much time or memory"
    assert checked["valid"] == (code == "")
    assert len(checked["findings"]) <= 501
    if line:
        assert [code, line, column] in checked["findings"], checked["findings"][:5]
    elif code:
        assert code in {found for found, _, _ in checked["findings"]}
