"""What the agent opens below a treatment's directory stays below it: by the kernel's own check, and step by step."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_bootstrap.agent.beneath import held_directory
from runner_bootstrap.agent.beneath.held_directory import MOST_DEEP, HeldDirectory, LeadsOutside, NotRegular, write_all
from runner_bootstrap.agent.beneath.matching import matches
from runner_bootstrap.agent.beneath.removal import remove_tree


@pytest.fixture(params=["openat2", "steps"])
def work(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldDirectory]:
    """A directory beside a secret; kernels without openat2 take every step themselves."""
    if request.param == "steps":
        monkeypatch.setattr(held_directory, "open_beneath", lambda *_: None)
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").mkdir()
    with HeldDirectory(tmp_path / "work") as held:
        yield held


def read(held: HeldDirectory, name: str) -> str:
    with held.open_file(name) as file:
        return file.read().decode()


def write(held: HeldDirectory, name: str, content: str) -> None:
    with held.create_file(name) as file:
        write_all(file, content.encode())


def test_files_are_written_and_read_also_through_links_that_stay_inside(work: HeldDirectory) -> None:
    work.make_directories("a/b")
    write(work, "a/b/f", "inside")
    work.make_link("near", "a/./b")
    work.make_link("up", "a/b/../b/f")
    (work.path / "absolute").symlink_to(work.path / "a")
    assert [read(work, name) for name in ("a/b/f", "near/f", "up", "absolute/b/f", "a/../a/b/f")] == ["inside"] * 5
    assert stat.S_IMODE((work.path / "a/b/f").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("../secret", "l"),
        ("{outside}/secret", "l"),
        ("..", "l/secret"),
        ("{outside}", "l/secret"),
        ("/proc/self/root", "l/etc/passwd"),
        ("a/../../secret", "l"),
    ],
)
def test_links_that_lead_out_are_not_followed(work: HeldDirectory, link: str, name: str) -> None:
    work.make_directories("a")
    work.make_link("l", link.format(outside=work.path.parent))
    with pytest.raises(LeadsOutside):
        work.open_file(name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "a\0b", ".."])
def test_names_that_lead_out_are_refused(work: HeldDirectory, name: str) -> None:
    work.make_directories("a")
    with pytest.raises(LeadsOutside):
        work.open_file(name)
    with pytest.raises(OSError):  # noqa: PT011 - the kernel may be first to refuse it
        work.create_file(name)
    assert (work.path.parent / "secret").read_text() == "of the host"


def test_writing_replaces_a_link_and_never_follows_it(work: HeldDirectory) -> None:
    work.make_link("f", "../secret")
    write(work, "f", "new")
    assert (work.path.parent / "secret").read_text() == "of the host"
    assert not (work.path / "f").is_symlink()


def test_writing_replaces_a_hard_link_and_leaves_its_other_name(work: HeldDirectory) -> None:
    os.link(work.path.parent / "secret", work.path / "f")
    write(work, "f", "new")
    assert (work.path.parent / "secret").read_text() == "of the host"


def test_directories_are_not_made_through_links_that_lead_out(work: HeldDirectory) -> None:
    work.make_link("l", "../elsewhere")
    for make in (lambda: work.make_directories("l/x/y"), lambda: work.create_file("l/x")):
        with pytest.raises(LeadsOutside):
            make()
    assert list((work.path.parent / "elsewhere").iterdir()) == []


def test_what_is_no_regular_file_is_never_opened(work: HeldDirectory) -> None:
    os.mkfifo(work.path / "fifo")
    work.make_directories("directory")
    for name in ("fifo", "directory"):
        with pytest.raises(NotRegular):
            work.open_file(name)
    work.make_link("l", "fifo")
    with pytest.raises(NotRegular):
        work.open_file("l")
    with pytest.raises(NotRegular):
        work.make_hard_link("h", "fifo")


def test_a_directory_that_is_exchanged_by_a_link_is_the_same_one_still(work: HeldDirectory) -> None:
    write(work, "f", "inside")
    work.path.rename(work.path.with_name("moved"))
    work.path.symlink_to("/etc")
    assert read(work, "f") == "inside"
    with pytest.raises(FileNotFoundError):
        work.open_file("passwd")


def test_a_directory_that_is_moved_out_leads_nowhere_new(work: HeldDirectory) -> None:
    """The way back from a moved directory is the way it was entered, not its new parent."""
    work.make_directories("a/b")
    with work.open_directory("a/b") as inner:
        (work.path / "a/b").rename(work.path.parent / "elsewhere" / "b")
        with pytest.raises(LeadsOutside):
            inner.open_file("../../secret")


def test_rings_of_links_end(work: HeldDirectory) -> None:
    work.make_link("a", "b")
    work.make_link("b", "a")
    with pytest.raises(OSError, match="symbolic links"):
        work.open_file("a/f")


def test_paths_that_are_too_long_for_the_kernel_stay_inside(work: HeldDirectory) -> None:
    """Names longer than PATH_MAX made ``Path.resolve`` and Python's own filter of archives believe a lie."""
    part, inner = "d" * 200, os.open(work.path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(part, dir_fd=inner)
        following = os.open(part, os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = following
    os.symlink("../" * 31 + "secret", "out", dir_fd=inner)
    os.symlink("../" * 30 + "fine", "in", dir_fd=inner)
    os.close(inner)
    write(work, "fine", "inside")
    path = "/".join([part] * 30)
    assert read(work, f"{path}/in") == "inside"
    with pytest.raises(LeadsOutside):
        work.open_file(f"{path}/out")


def test_paths_that_are_too_deep_are_refused(work: HeldDirectory) -> None:
    with pytest.raises(OSError, match="directories deep"):
        work.make_directories("/".join(["d"] * (MOST_DEEP + 2)))


def test_globs_match_as_pythons_do_but_do_not_search_behind_links(work: HeldDirectory) -> None:
    for name in ("dist/a.whl", "dist/sub/b.whl", "dist/sub/c.txt", ".hidden/d.whl", "top.whl"):
        work.make_directories(str(Path(name).parent))
        write(work, name, "")
    work.make_link("etc", "/etc")
    work.make_link("link", "dist")
    assert matches(work, "dist/*.whl") == ["dist/a.whl"]
    assert matches(work, "**/*.whl") == ["dist/a.whl", "dist/sub/b.whl", "top.whl"]
    assert matches(work, ".hidden/*") == [".hidden/d.whl"]
    assert matches(work, "link/*.whl") == ["link/a.whl"]
    assert matches(work, "dist/**") == ["dist", "dist/a.whl", "dist/sub", "dist/sub/b.whl", "dist/sub/c.txt"]
    assert matches(work, "dist/sub/?.txt") == ["dist/sub/c.txt"]
    assert matches(work, "top.whl") == ["top.whl"]
    assert matches(work, "etc") == ["etc"]
    assert matches(work, "etc/passw*") == matches(work, "*/passwd") == matches(work, "missing/*") == []


def test_trees_are_removed_whatever_is_in_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_text("kept")
    inner = os.open(root, os.O_RDONLY)
    for _ in range(1500):  # deeper than Python's recursion, and longer than PATH_MAX
        os.mkdir("deep", dir_fd=inner)
        os.close(os.open("f", os.O_CREAT, dir_fd=inner))
        following = os.open("deep", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = following
    os.close(inner)
    (root / "l").symlink_to("../folder")
    (root / ".removed-0").mkdir()
    (root / ".removed-0" / ".removed-1").symlink_to("../../kept")
    os.mkfifo(root / "fifo")
    (root / "locked" / "below").mkdir(parents=True)
    (root / "locked" / "below" / "f").touch()
    (root / "locked").chmod(0)
    root.chmod(0)
    remove_tree(root)
    assert not root.exists()
    assert (tmp_path / "kept").read_text() == (tmp_path / "folder" / "kept").read_text() == "kept"
    remove_tree(root)
