"""What GitHub and GitLab do after a failure is done after one in Cadence."""

import subprocess

import pytest
import yaml

from cadence.importing import convert

GITLAB = """\
build: {stage: build, script: [echo main, exit 3, echo never], after_script: [echo after, exit 1]}
alarm: {stage: test, script: [echo alarm], when: on_failure}
clean: {stage: test, script: [echo clean], when: always}
"""
GITHUB = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - {run: make test}
      - {uses: actions/upload-artifact@v4, if: always(), with: {name: r, path: report.xml}}
      - {run: mail, if: failure()}
  alarm: {needs: test, if: failure(), runs-on: ubuntu-latest, steps: [{run: alarm}]}
"""


@pytest.mark.parametrize("shell", [["bash", "-eo", "pipefail"], ["sh", "-e"]], ids=["bash", "sh"])
def test_an_after_script_runs_after_a_failure_which_stays_the_outcome(shell: list[str]) -> None:
    build = yaml.safe_load(convert(GITLAB).document)["treatments"]["build"]
    done = subprocess.run([*shell, "-c", build["run"]], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout) == (3, "main\nafter\n")


def test_jobs_of_gitlab_run_after_a_failure_or_in_any_case() -> None:
    treatments = yaml.safe_load(convert(GITLAB).document)["treatments"]
    assert treatments["alarm"]["when"] == '${{ treatments["build"].state in ["failed", "lost", "timed_out"] }}'
    assert treatments["clean"]["when"] == '${{ treatments["build"].state != "" }}'


def test_steps_and_jobs_of_github_run_after_a_failure_and_uploads_are_kept() -> None:
    imported = convert(GITHUB)
    treatments = yaml.safe_load(imported.document)["treatments"]

    assert treatments["test"]["steps"][1] == {"name": "mail", "on_failure": True, "run": "mail\n"}
    assert treatments["test"]["outputs"] == {"r": {"type": "Stream<byte>", "path": "report.xml"}}
    assert treatments["alarm"]["when"] == '${{ treatments["test"].state in ["failed", "lost", "timed_out"] }}'
    (note,) = [note for note in imported.notes if "upload-artifact" in note.what]
    assert "Outputs of failed attempts are kept" in note.why
