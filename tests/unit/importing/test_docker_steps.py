"""Steps that run an image start a container of it."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
env: {LEVEL: high}
jobs:
  build:
    runs-on: ubuntu-latest
    env: {TOKEN: "${{ secrets.TOKEN }}"}
    steps:
      - uses: actions/checkout@v4
      - name: lint
        uses: docker://ghcr.io/acme/lint:2
        env: {STRICT: "1"}
        with: %s
"""


def step(given: str = "{}") -> tuple[str, Imported]:
    imported = convert(WORKFLOW % given)
    assert imported.valid, imported.findings
    build: dict[str, Any] = yaml.safe_load(imported.document)["treatments"]["build"]
    return str(build["run"] if "run" in build else build["steps"][-1]["run"]), imported


def test_a_step_that_runs_an_image_starts_a_container() -> None:
    script, imported = step()

    assert "docker run --rm" in script and script.rstrip().endswith(" ghcr.io/acme/lint:2")
    assert '--volume "$PWD:/github/workspace" --workdir /github/workspace' in script
    assert {"--env LEVEL", "--env TOKEN", "--env STRICT"} <= {f"--env {word}" for word in shlex.split(script)}
    (note,) = [note for note in imported.notes if "ghcr.io/acme/lint" in note.what]
    assert "Docker" in note.todo and "image" in note.todo
    assert "was not carried over" not in imported.document


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ("{args: '--fast src'}", ["ghcr.io/acme/lint:2", "--fast", "src"]),
        ("""{args: 'say "two words" $HOME; it''s'}""", ["ghcr.io/acme/lint:2", "say", "two words", "$HOME;", "it's"]),
        ("""{args: 'an "open quote'}""", ["ghcr.io/acme/lint:2", "an", '"open', "quote"]),
        ("{args: '--of=${{ github.ref_name }} x'}", ["ghcr.io/acme/lint:2", "--of=main branch", "x"]),
        ("{entrypoint: /bin/check, depth: 3}", ["--env", "INPUT_DEPTH=3", "--entrypoint", "/bin/check", "ghcr.io/acme/lint:2"]),
    ],
    ids=["words", "quotes", "open quote", "expression", "entrypoint"],
)  # fmt: skip
def test_what_the_container_is_given(given: str, arguments: list[str], tmp_path: Path) -> None:
    script, imported = step(given)
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    build = yaml.safe_load(imported.document)["treatments"]["build"]
    variables = dict.fromkeys(build.get("env", {}), "main branch")

    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], env={**variables, "PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-len(arguments) :] == arguments


def test_what_is_no_image_is_left_out() -> None:
    imported = convert(WORKFLOW.replace("docker://ghcr.io/acme/lint:2", "docker://") % "{}")

    assert imported.valid
    assert any(note.what == "jobs.build: uses: docker://" for note in imported.notes)
