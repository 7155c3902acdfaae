"""The files of a git working tree, as `cadence run` packs them and as the control plane reads them."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import typer

from cadence.cli.runs import working_tree
from cadence.cli.runs.working_tree import pack_working_tree, tree_for
from cadence.domain.repositories import sent_tree
from cadence.domain.repositories.sent_tree import unpacked_tree
from cadence.domain.shared.errors import InvalidRequest, TooLarge
from tests.git.repositories import Repository

DOCUMENT = "cadence: 1\nname: t\ntreatments: {t: {source: true, run: ls}}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Repository(tmp_path / "site")
    made.commit({".gitignore": "*.log\n", "src/a.py": "committed", "gone.py": "1", ".env.example": "A="})
    return made


def members(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(unpacked_tree(packed))) as archive:
        return {member.name: member for member in archive}


def content(packed: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(unpacked_tree(packed))) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def test_changes_that_are_not_committed_are_in_it_and_ignored_files_are_not(repository: Repository) -> None:
    folder = repository.folder
    (folder / "src/a.py").write_text("changed")
    (folder / "new.sh").write_text("#!/bin/sh\n")
    (folder / "new.sh").chmod(0o755)
    (folder / "link").symlink_to("new.sh")
    (folder / "gone.py").unlink()
    (folder / "build.log").write_text("ignored")

    tree = pack_working_tree(folder / "src")
    found = members(tree.packed)
    assert set(found) == {".gitignore", ".env.example", "src", "src/a.py", "new.sh", "link"}
    assert content(tree.packed, "src/a.py") == b"changed"
    assert (found["new.sh"].mode, found["src/a.py"].mode, found["link"].linkname) == (0o755, 0o644, "new.sh")
    assert "2 new: link, new.sh" in tree.notes[0]
    # The bytes depend on the files alone, so that the same tree is stored once.
    assert pack_working_tree(folder).packed == tree.packed


def test_new_files_that_may_hold_secrets_are_left_out_and_named(repository: Repository) -> None:
    folder = repository.folder
    (folder / ".cadence").mkdir()
    for name in (".env", "deploy.pem", ".cadence/local.json", ".cadence/ci.yaml"):
        (folder / name).write_text("x")

    tree = pack_working_tree(folder)
    found = members(tree.packed)
    assert ".cadence/ci.yaml" in found and ".env.example" in found
    assert not {".env", "deploy.pem", ".cadence/local.json"} & set(found)
    assert any("deploy.pem" in note and "secrets" in note for note in tree.notes)


def test_submodules_and_pointers_of_lfs_are_said(repository: Repository) -> None:
    folder = repository.folder
    inner = Repository(folder / "lib")
    inner.commit({"b.py": "1"})
    repository.git("add", "lib")
    (folder / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")

    tree = pack_working_tree(folder)
    assert members(tree.packed)["lib"].isdir() and "lib/b.py" not in members(tree.packed)
    notes = " ".join(tree.notes)
    assert "Submodules are empty directories; 1 submodules: lib" in notes and "git lfs pull" in notes


@pytest.mark.parametrize("name", ["LARGEST_SENT", "LARGEST_UNPACKED", "MOST_SENT_ENTRIES"])
def test_what_is_too_large_is_refused_with_what_to_do(
    repository: Repository, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(working_tree, name, 2)

    with pytest.raises(typer.Exit):
        pack_working_tree(repository.folder)
    assert ".gitignore" in capsys.readouterr().err.replace("\n", " ")


def test_a_folder_outside_of_git_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(DOCUMENT)

    with pytest.raises(typer.Exit):
        tree_for(DOCUMENT, str(file))
    assert "git working tree" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    "document",
    [
        "cadence: 1\ntreatments: {t: {run: ls}}\n",
        "{source: [",
        "treatments: {t: {run: 'cat source: true'}}",
        "treatments: {t: {run: ls, inputs: {source: {type: Stream<byte>}}, source: false}}",
    ],
    ids=["without", "broken", "in-a-script", "a-port"],
)
def test_nothing_is_packed_unless_a_treatment_asks_for_it(document: str) -> None:
    assert tree_for(document, "/nowhere/a.yaml") is None


@pytest.mark.parametrize("source", ["true", "{lfs: true}"])
def test_a_treatment_or_definition_that_asks_for_it_is_given_the_working_tree(
    repository: Repository, source: str
) -> None:
    file = repository.folder / "a.yaml"

    for section in ("treatments", "definitions"):
        assert tree_for(f"{section}: {{t: {{run: ls, source: {source}}}}}", str(file)) is not None


def archive(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as made:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = kind
            made.addfile(member)
    return gzip.compress(target.getvalue())


@pytest.mark.parametrize(
    "sent",
    [
        b"words",
        gzip.compress(b"words" * 500),
        archive("a")[:-9],
        archive("a") + b"more",
        archive("/etc/passwd"),
        archive("a/../../b"),
        archive("device", kind=tarfile.CHRTYPE),
        archive("hard", kind=tarfile.LNKTYPE),
    ],
    ids=["plain", "no-tar", "cut", "longer", "absolute", "outside", "device", "hard-link"],
)
def test_what_is_no_archive_of_files_is_refused(sent: bytes) -> None:
    with pytest.raises(InvalidRequest):
        unpacked_tree(sent)


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_tree, "LARGEST_UNPACKED", 5_000)
    with pytest.raises(TooLarge):
        unpacked_tree(archive("a"))
    monkeypatch.setattr(sent_tree, "LARGEST_UNPACKED", 50_000)
    monkeypatch.setattr(sent_tree, "MOST_SENT_ENTRIES", 1)
    with pytest.raises(TooLarge):
        unpacked_tree(archive("a", "b"))
