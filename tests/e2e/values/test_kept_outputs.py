"""Outputs of a failed treatment on the real stack: kept and shown, and nothing is fed with them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.api import Api
from tests.e2e.conftest import Stack

DOCUMENT = """\
cadence: 1
name: failing-tests
treatments:
  test:
    outputs:
      report: {type: Block<string>, path: out/junit.xml}
      missing: {type: Block<string>, path: out/coverage.xml}
    run: |
      mkdir out; echo "<testsuite failures='1'/>" > out/junit.xml; exit 1
  read:
    inputs: {report: Block<string>}
    run: cat "$CADENCE_IN_report"
connections: [test.report -> read.report]
"""


def test_the_report_of_failing_tests_is_kept_and_shown(api: Api, stack: Stack, tmp_path: Path) -> None:
    run_id = api.start(DOCUMENT)
    run = api.finished(run_id)
    states = {treatment["name"]: treatment["state"] for treatment in run["treatments"]}
    assert (run["state"], states) == ("failed", {"test": "failed", "read": "skipped"})

    def cadence(*words: str) -> "subprocess.CompletedProcess[str]":
        program = str(Path(sys.executable).with_name("cadence"))
        env = {**os.environ, "COLUMNS": "160"}
        return subprocess.run([program, *words], cwd=stack.folder, env=env, capture_output=True, text=True, check=False)

    shown = cadence("show", run_id, "test").stdout
    assert "kept of the failed attempt" in shown
    assert "<testsuite failures='1'/>" in shown
    file = tmp_path / "junit.xml"
    assert cadence("value", "download", run_id, "test.report", "-o", str(file)).returncode == 0
    assert file.read_text() == "<testsuite failures='1'/>\n"
    missing = cadence("value", "show", run_id, "test.missing")
    assert missing.returncode == 1
    assert "Attempt 1 of test sent nothing through missing" in missing.stderr
