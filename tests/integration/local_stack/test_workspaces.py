"""Where a local stack keeps the working directories of treatments."""

from pathlib import Path

import pytest

from cadence.local.shared.paths import StackPaths
from cadence.local.supervision.workspaces import workspaces


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPaths:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return StackPaths.of(tmp_path / "project")


def test_they_lie_below_no_hidden_folder_and_are_gone_with_the_stack(paths: StackPaths) -> None:
    with workspaces(paths) as folder:
        assert not any(part.startswith(".") for part in folder.parts)
        assert paths.home not in folder.parents
        assert paths.workspaces.resolve() == folder
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "cadence-x").mkdir()
    assert not folder.exists() and not paths.workspaces.is_symlink()


def test_those_that_a_killed_stack_left_are_used_again(paths: StackPaths) -> None:
    killed = workspaces(paths)
    folder = killed.__enter__()
    (folder / "cadence-left").mkdir()
    with workspaces(paths) as again:
        assert again == folder and (again / "cadence-left").is_dir()


@pytest.mark.parametrize("what", ["gone", "open to others", "replaced"])
def test_a_folder_that_is_not_private_is_not_used(paths: StackPaths, what: str) -> None:
    killed = workspaces(paths)
    folder = killed.__enter__()
    folder.rmdir()
    if what == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    elif what == "replaced":
        folder.symlink_to(paths.home.parent)
    with workspaces(paths) as another:
        assert another != folder and list(another.iterdir()) == []


def test_a_directory_in_its_place_is_deleted(paths: StackPaths) -> None:
    (paths.workspaces / "cadence-old" / "work").mkdir(parents=True)

    with workspaces(paths) as folder:
        assert paths.workspaces.is_symlink() and list(folder.iterdir()) == []
