"""Commands about the local stack find it from the folders below its own, as other commands do."""

import subprocess
from pathlib import Path

import pytest

from cadence.local.shared.paths import StackPaths, nearest_stack


@pytest.mark.parametrize("file", ["record", "connection", "ports"])
def test_the_nearest_folder_with_a_stack_is_found(tmp_path: Path, file: str) -> None:
    below = tmp_path / "project" / "src"
    below.mkdir(parents=True)
    assert nearest_stack(below) == below

    paths = StackPaths.of(tmp_path / "project")
    paths.home.mkdir()
    (paths.home / "pipeline.yaml").touch()  # a repository's pipelines are in a folder of this name, too
    assert nearest_stack(below) == below

    getattr(paths, file).touch()
    assert nearest_stack(below) == tmp_path / "project"


def test_git_ignores_the_stack_s_files_and_no_pipeline(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    paths = StackPaths.of(tmp_path)
    paths.make()
    for file in (paths.connection, paths.record, paths.lock, paths.ports, paths.tokens, paths.account_key):
        file.touch()
    (paths.state / "tables").touch()
    (paths.home / "local.json.part").touch()  # written, and then moved in place of the file
    (paths.home / "site.yaml").touch()
    (paths.home / "state.yaml").touch()
    (paths.home / "lock.json").touch()
    paths.make()

    status = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    shown = subprocess.run(status, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in shown if name != "??"] == [
        ".cadence/lock.json",
        ".cadence/site.yaml",
        ".cadence/state.yaml",
    ]


def test_a_gitignore_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    paths = StackPaths.of(tmp_path)
    paths.home.mkdir()
    (paths.home / ".gitignore").write_text("mine\n")

    paths.make()

    assert (paths.home / ".gitignore").read_text() == "mine\n"
