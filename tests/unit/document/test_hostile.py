"""Bad input costs little: each hostile document is checked in a process of its own that may use little time and memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.document.hostile import HOSTILE

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 6
"""Of processor time with the start of Python, its imports and the making of the document: well above a second of checking."""
BYTES = 1_000_000_000
"""Of address space: the API has 1 GB, too."""
CHECK = """
import json, sys
from cadence.domain.document import validate
from tests.unit.document.hostile import HOSTILE
checked = validate(HOSTILE[sys.argv[1]][0]())
findings = [(finding.code, finding.line, finding.column) for finding in checked.findings]
print(json.dumps({"valid": checked.pipeline is not None, "findings": findings}))
"""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


@pytest.mark.parametrize("what", HOSTILE)
def test_is_refused_within_bounds_of_time_and_memory(what: str) -> None:
    _, code, line, column = HOSTILE[what]

    done = subprocess.run(
        [sys.executable, "-c", CHECK, what],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        preexec_fn=_limit,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2_000:]
    checked = json.loads(done.stdout)
    assert checked["valid"] == (code == "")
    assert len(checked["findings"]) <= 1_001
    if line:
        assert [code, line, column] in checked["findings"], checked["findings"][:5]
    elif code:
        assert code in {found for found, _, _ in checked["findings"]}
