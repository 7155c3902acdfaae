"""Archives that were made to write outside of the directory that they are unpacked in, or to name what cannot be."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_bootstrap.agent.beneath import held_directory
from runner_bootstrap.agent.beneath.held_directory import HeldDirectory
from runner_bootstrap.agent.shared.errors import TreatmentFailed
from runner_bootstrap.agent.values import archives

PART = "d" * 247
STEPS = "abcdefghijklmnop"
UP = "../"
LINK, FILE, HARD, FOLDER = tarfile.SYMTYPE, tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
Members = list[tuple[str, bytes, str]]


def path_max() -> Members:
    """Links whose full names are longer than PATH_MAX, so that resolving them stops half-way (CVE-2025-4517)."""
    members: Members = []
    path = ""
    for step in STEPS:
        members += [(f"{path}{PART}", FOLDER, ""), (f"{path}{step}", LINK, PART)]
        path += f"{step}/"
    long = "/".join(STEPS) + "/" + "l" * 254
    members += [(long, LINK, UP * len(STEPS)), ("escape", LINK, f"{long}/../../elsewhere")]
    return [*members, ("escape/cadence-escaped", FILE, "")]


ATTEMPTS: dict[str, Members] = {
    "an absolute name": [("/cadence-escaped", FILE, "")],
    "a name upwards": [("../elsewhere/cadence-escaped", FILE, "")],
    "a name up and down again": [("a/../../elsewhere/cadence-escaped", FILE, "")],
    "a link upwards": [("l", LINK, "../elsewhere"), ("l/cadence-escaped", FILE, "")],
    "an absolute link": [("l", LINK, "/tmp"), ("l/cadence-escaped", FILE, "")],
    "a link over a link": [
        ("p", LINK, "."),
        ("q", FOLDER, ""),
        ("l", LINK, "p/q/../.."),
        ("l/elsewhere/cadence-escaped", FILE, ""),
    ],
    "a link that becomes one outwards": [
        ("a/b", FOLDER, ""),
        ("l", LINK, "a/b/../.."),
        ("a", LINK, "."),
        ("l/../elsewhere/cadence-escaped", FILE, ""),
    ],
    "a path that is too long to resolve": path_max(),
    "a hard link to a file outside": [("h", HARD, "../secret")],
    "a hard link to an absolute name": [("h", HARD, "/etc/passwd")],
    "a hard link through a link": [("p", LINK, "."), ("l", LINK, "p/x/.."), ("h", HARD, "l/../secret")],
    "a hard link to a link": [("l", LINK, "f"), ("h", HARD, "l"), ("h/x", FILE, "")],
    "a character device": [("d", tarfile.CHRTYPE, "")],
    "a block device": [("d", tarfile.BLKTYPE, "")],
    "a FIFO": [("f", tarfile.FIFOTYPE, "")],
    "a name that is too long": [("x" * 300, FILE, "")],
    "a name that is too deep": [("d/" * 300 + "f", FILE, "")],
    "a file in place of a directory": [("a/b", FILE, ""), ("a", FILE, "")],
}


@pytest.fixture(params=["openat2", "steps"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldDirectory]:
    if request.param == "steps":
        monkeypatch.setattr(held_directory, "open_beneath", lambda *_: None)
    (tmp_path / "secret").write_text("of the host")
    for name in ("elsewhere", "root"):
        (tmp_path / name).mkdir()
    with HeldDirectory(tmp_path / "root") as held:
        yield held


def archive(members: Members) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as writing:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            writing.addfile(member, io.BytesIO())
    return io.BytesIO(out.getvalue())


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_archive_gets_out(root: HeldDirectory, attempt: str) -> None:
    outside = root.path.parent
    with pytest.raises(TreatmentFailed, match="is refused: its member"):
        archives.unpack(archive(ATTEMPTS[attempt]), root, "input i")
    assert sorted(path.name for path in outside.iterdir()) == ["elsewhere", "root", "secret"]
    assert list((outside / "elsewhere").iterdir()) == []
    assert (outside / "secret").stat().st_nlink == 1
    assert not Path("/tmp/cadence-escaped").exists()


def test_links_of_other_archives_are_not_followed_outwards(root: HeldDirectory) -> None:
    """Two archives in one directory: the first brings the link, the second writes through it."""
    (root.path / "l").symlink_to("../elsewhere")
    with pytest.raises(TreatmentFailed, match="through a link out of the directory"):
        archives.unpack(archive([("l/cadence-escaped", FILE, "")]), root, "input i")
    assert list((root.path.parent / "elsewhere").iterdir()) == []


def test_a_name_with_a_nul_is_refused(root: HeldDirectory) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as writing:
        member = tarfile.TarInfo("plain")
        member.pax_headers = {"path": "nul\0here"}
        writing.addfile(member)
    with pytest.raises(TreatmentFailed, match="has a name that no file can have here"):
        archives.unpack(io.BytesIO(out.getvalue()), root, "input i")


def test_what_stays_inside_is_unpacked(root: HeldDirectory) -> None:
    members: Members = [("a/b/f", FILE, ""), ("a/l", LINK, "b"), ("a/l/g", FILE, ""), ("h", HARD, "a/b/f")]
    archives.unpack(archive(members), root, "input i")
    assert sorted(os.listdir(root.path / "a/b")) == ["f", "g"]  # noqa: PTH208 - shorter
    assert (root.path / "h").stat().st_ino == (root.path / "a/b/f").stat().st_ino


def packed(names: list[str], *, mode: str = "w", ends: bool = True) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
        size = archive.offset
    return made.getvalue() if ends else made.getvalue()[:size]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_archives_that_follow_each_other_are_all_unpacked(count: int, root: HeldDirectory, tmp_path: Path) -> None:
    names = [f"out/{number}.xml" for number in range(count)]
    content = b"".join(packed([name]) for name in names)

    archives.unpack(io.BytesIO(content), root, "input a")

    assert sorted(one.read_text() for one in (tmp_path / "root" / "out").iterdir()) == sorted(names)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_an_archive_is_unpacked_from_any_compression(mode: str, root: HeldDirectory, tmp_path: Path) -> None:
    archives.unpack(io.BytesIO(packed(["a", "b"], mode=mode)), root, "input a")
    assert sorted(one.name for one in (tmp_path / "root").iterdir()) == ["a", "b"]


def test_an_archive_without_an_end_is_unpacked(root: HeldDirectory, tmp_path: Path) -> None:
    archives.unpack(io.BytesIO(packed(["a"], ends=False)), root, "input a")
    assert [one.name for one in (tmp_path / "root").iterdir()] == ["a"]


def test_an_archive_after_another_is_held_to_the_same_rules(root: HeldDirectory, tmp_path: Path) -> None:
    with pytest.raises(TreatmentFailed, match=r"is refused: its member '\.\./elsewhere/x'"):
        archives.unpack(io.BytesIO(packed(["a"]) + packed(["../elsewhere/x"])), root, "input a")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_follows_an_archive_and_is_none_is_refused(root: HeldDirectory) -> None:
    with pytest.raises(TreatmentFailed, match="input a is no whole tar archive"):
        archives.unpack(io.BytesIO(packed(["a"]) + b"x" * 2_000), root, "input a")
