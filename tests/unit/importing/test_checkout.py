"""actions/checkout gives a treatment the files of the commit; only other commits and histories are cloned."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.importing import Imported, SourceFormat, convert

WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
%s
      - run: %s
"""


def imported(options: str = "", script: str = "make") -> Imported:
    result = convert(WORKFLOW % (f"        with: {options}" if options else "", script))
    assert result.valid, (result.document, result.findings)
    return result


def build(result: Imported) -> dict[str, Any]:
    return dict(yaml.safe_load(result.document)["treatments"]["build"])


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ("", True),
        ("{fetch-depth: 1, persist-credentials: false}", True),
        ("{submodules: recursive, lfs: true}", {"submodules": True, "lfs": True}),
        ("{submodules: false}", True),
        ('{ref: "${{ github.event.pull_request.head.sha || github.sha }}"}', True),
        ('{repository: "${{ github.repository }}", path: ./}', True),
    ],
    ids=["plain", "without-effect", "options", "no-submodules", "own-commit", "own-repository"],
)
def test_the_commit_of_the_run_is_its_source(options: str, source: Any) -> None:
    result = imported(options)

    assert build(result) == {"source": source, "shell": "bash -eo pipefail", "run": "make\n"}
    assert "parameters" not in yaml.safe_load(result.document)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("{repository: acme/other}", "git -C . remote add origin https://github.com/acme/other"),
        ("{ref: v1}", "git -C . checkout --quiet v1"),
        ("{path: sub}", "git init --quiet sub"),
        ("{fetch-depth: 0}", "git -C . fetch --quiet --tags origin"),
    ],
    ids=["repository", "ref", "path", "history"],
)
def test_what_source_does_not_give_is_cloned(options: str, expected: str) -> None:
    treatment = build(imported(options))

    assert "source" not in treatment
    assert expected in treatment["steps"][0]["run"].replace('"', "")


def test_a_clone_without_an_address_names_the_parameter() -> None:
    script = build(imported("{fetch-depth: 0}"))["steps"][0]["run"]
    line = next(line for line in script.splitlines() if "remote add" in line)

    done = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})

    assert done.returncode != 0
    assert "repository_url" in done.stderr


def test_a_clone_of_another_repository_needs_no_parameter() -> None:
    assert "parameters" not in yaml.safe_load(imported("{repository: acme/other, ref: v1}").document)


@pytest.mark.parametrize(
    ("options", "script", "what"),
    [
        ("", "git describe --tags", "git in scripts"),
        ('{token: "${{ secrets.DEPLOY }}"}', "make", "actions/checkout with token"),
        ("{sparse-checkout: src}", "make", "actions/checkout with sparse-checkout"),
        ("{fetch-depth: 0}", "make", "actions/checkout with fetch-depth"),
    ],
    ids=["git", "token", "sparse", "history"],
)
def test_the_report_says_what_differs(options: str, script: str, what: str) -> None:
    assert f"jobs.build: {what}" in [note.what for note in imported(options, script).notes]


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("make fmt && git diff --exit-code", True),
        ('|\n          make\n          test -z "$(git status --short)"', True),
        ("git diff HEAD~1", False),
        ("git diff origin/main...", False),
        ("git status && git log -1", False),
        ("git describe --tags", False),
    ],
)
def test_a_script_that_asks_git_for_changes_has_a_repository_of_the_files(
    script: str, given: bool, tmp_path: Path
) -> None:
    result = imported(script=script)
    job = build(result)
    told = any("git in scripts" in note.what for note in result.notes)

    assert (told, "steps" in job) == (not given, given)
    if given:
        (tmp_path / "code.py").write_text("pass\n")
        subprocess.run(["bash", "-eo", "pipefail", "-c", job["steps"][0]["run"]], cwd=tmp_path, check=True)
        assert subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True, check=True).stdout == b""
        (tmp_path / "code.py").write_text("changed\n")
        assert (
            subprocess.run(["git", "diff", "--exit-code"], cwd=tmp_path, capture_output=True, check=False).returncode
            == 1
        )


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ("{}", True),
        ("{GIT_DEPTH: 20, GIT_STRATEGY: fetch}", True),
        ("{GIT_SUBMODULE_STRATEGY: recursive}", {"submodules": True}),
        ("{GIT_STRATEGY: none}", None),
    ],
    ids=["plain", "without-effect", "submodules", "none"],
)
def test_a_job_of_gitlab_gets_the_files_of_the_commit(variables: str, source: Any) -> None:
    body = of_gitlab(f"variables: {variables}\ntest: {{image: alpine, script: [make]}}\n")

    assert body.get("source") == source
    assert body["run"] == "make\n"


@pytest.mark.parametrize(
    "job",
    [
        "{image: alpine, script: [git describe --tags]}",
        "{image: alpine, before_script: [set -e; git fetch], script: [make]}",
        "{image: alpine, variables: {GIT_DEPTH: 0}, script: [make]}",
    ],
    ids=["script", "before", "depth"],
)
def test_a_job_of_gitlab_that_uses_git_clones(job: str) -> None:
    body = of_gitlab(f"test: {job}\n")

    assert "source" not in body
    assert "git -C . remote add origin" in body["run"]


def of_gitlab(text: str) -> dict[str, Any]:
    result = convert(text, SourceFormat.GITLAB)
    assert result.valid, (result.document, result.findings)
    return dict(yaml.safe_load(result.document)["treatments"]["test"])
