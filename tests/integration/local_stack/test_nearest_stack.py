"""Commands about the local stack find it from the folders below its own, as other commands do."""

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
