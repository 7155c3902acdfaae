"""Which files of a commit are given: those of selected paths, of submodules, and of Git LFS."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cadence.adapters.git import checkout
from cadence.adapters.git.lfs import LfsPointer, read_pointer
from cadence.adapters.git.reader import DulwichGitReader
from cadence.adapters.git.submodules import resolved, submodule_urls
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.pipelines.specification import SourceSelection
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge
from tests.git.repositories import Repository, served
from tests.integration.triggers.test_commit_source import members

READER = DulwichGitReader(EgressPolicy(frozenset({"*"})))
TOKEN = GitCredentials("git", "s3cret-token")
IMAGE = b"\x89PNG of some size"
DIGEST = hashlib.sha256(IMAGE).hexdigest()


def pointer(content: bytes = IMAGE) -> str:
    """What a commit has in place of a file that Git LFS keeps."""
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of repositories below `git`, whose server of Git LFS has one file."""
    with served(tmp_path / "git", lfs={DIGEST: IMAGE}) as url:
        yield url


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "git" / "site")
    made.commit({"src/a.py": "a", "src/deep/b.py": "b", "docs/c.md": "c", "d.txt": "d", "img/e.png": pointer()})
    return made


def paths(url: str, commit: str, **selection: object) -> Mapping[str, tuple[int, str]]:
    """The files of a commit, and what they contain, without directories."""
    found = members(READER.read_archive(url, commit, None, SourceSelection(**selection)))  # type: ignore[arg-type]
    return {name: entry for name, entry in found.items() if entry[1]}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("src",), {"src/a.py", "src/deep/b.py"}),
        (("src/", "!src/deep"), {"src/a.py"}),
        (("**/*.py", "d.txt"), {"src/a.py", "src/deep/b.py", "d.txt"}),
        (("!docs",), {"src/a.py", "src/deep/b.py", "d.txt", "img/e.png"}),
        (("nothing/**",), set()),
    ],
    ids=["directory", "without", "patterns", "all-but", "none"],
)
def test_only_files_of_the_selected_paths_are_given(
    address: str, repository: Repository, patterns: tuple[str, ...], expected: set[str]
) -> None:
    commit = repository.git("rev-parse", "HEAD")

    for url in (f"{address}/site", repository.url):
        assert set(paths(url, commit, paths=patterns)) == expected


def test_directories_above_selected_files_are_given_and_no_others(address: str, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    selection = SourceSelection(paths=("src/deep/*",))

    found = members(READER.read_archive(f"{address}/site", commit, None, selection))
    assert list(found) == ["src", "src/deep", "src/deep/b.py"]


def add_submodule(outer: Repository, path: str, commit: str, url: str) -> str:
    """Adds a submodule, and returns the commit with it."""
    outer.git("config", "-f", ".gitmodules", f"submodule.{path}.path", path)
    outer.git("config", "-f", ".gitmodules", f"submodule.{path}.url", url)
    outer.git("add", ".gitmodules")
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    outer.git("commit", "--quiet", "--message", "a submodule")
    return outer.git("rev-parse", "HEAD")


def test_submodules_are_given_also_those_of_submodules(address: str, repository: Repository, tmp_path: Path) -> None:
    inner, innermost = (Repository(tmp_path / "git" / name) for name in ("inner", "innermost"))
    last = innermost.commit({"z.txt": "z"})
    inner.commit({"y.txt": "y"})
    middle = add_submodule(inner, "deps/last", last, f"{address}/innermost")
    commit = add_submodule(repository, "vendor/lib", middle, "../inner")

    url = f"{address}/site"
    assert "vendor/lib/y.txt" not in paths(url, commit)
    given = paths(url, commit, submodules=True)
    assert (given["vendor/lib/y.txt"][1], given["vendor/lib/deps/last/z.txt"][1]) == ("y", "z")
    assert given["src/a.py"][1] == "a"
    chosen = paths(url, commit, submodules=True, paths=("vendor/lib/deps",))
    assert set(chosen) == {"vendor/lib/deps/last/z.txt"}


def test_a_private_submodule_is_read_with_its_own_token_only(
    address: str, repository: Repository, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "private" / "inner")
    commit = inner.commit({"y.txt": "y"})
    with served(tmp_path / "private", token=TOKEN.password) as private:
        outer = add_submodule(repository, "lib", commit, f"{private}/inner")
        asked: list[str] = []

        def tokens(url: str) -> GitCredentials | None:
            asked.append(url)
            return TOKEN if len(asked) > 1 else None

        selection = SourceSelection(submodules=True)
        with pytest.raises(NotFound, match=r"The submodule lib: .* connect its repository to the same project"):
            READER.read_archive(f"{address}/site", outer, TOKEN, selection, tokens)
        assert "lib/y.txt" in members(READER.read_archive(f"{address}/site", outer, TOKEN, selection, tokens))
        assert asked == [f"{private}/inner"] * 2


def test_submodules_have_bounds(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository.git("rev-parse", "HEAD")
    for number in range(3):
        head = add_submodule(repository, f"m{number}", commit, repository.url)

    monkeypatch.setattr(checkout, "MOST_SUBMODULES", 2)
    with pytest.raises(TooLarge, match="more than 2 submodules"):
        paths(repository.url, head, submodules=True)
    repository.git("rm", "--quiet", "--cached", ".gitmodules")
    repository.git("commit", "--quiet", "--message", "without addresses")
    with pytest.raises(NotFound, match=r"m0 has no url in \.gitmodules"):
        paths(repository.url, repository.git("rev-parse", "HEAD"), submodules=True)


def test_files_of_git_lfs_are_given_in_place_of_their_pointers(address: str, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    url = f"{address}/site"

    assert paths(url, commit)["img/e.png"][1] == pointer()
    packed = READER.read_archive(url, commit, None, SourceSelection(lfs=True, paths=("img",)))
    assert IMAGE in packed and pointer().encode() not in packed
    assert packed == READER.read_archive(f"{url}/", commit, TOKEN, SourceSelection(lfs=True, paths=("img",)))


def test_what_git_lfs_cannot_give_is_an_error(address: str, repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit({"img/f.png": pointer(b"never uploaded")})
    with pytest.raises(NotFound, match=r"Git LFS cannot give img/f\.png: Object does not exist"):
        paths(f"{address}/site", commit, lfs=True)
    with pytest.raises(InvalidRequest, match="addresses that begin with https://"):
        paths(repository.url, commit, lfs=True)

    with served(tmp_path / "git") as without, pytest.raises(NotFound, match="no Git LFS for this repository"):
        paths(f"{without}/site", commit, lfs=True)
    wrong = {hashlib.sha256(b"never uploaded").hexdigest(): b"something else", DIGEST: IMAGE}
    with served(tmp_path / "git", lfs=wrong) as false, pytest.raises(InvalidRequest, match="another file"):
        paths(f"{false}/site", commit, lfs=True)
    huge = repository.commit({"img/f.png": pointer().replace(f"size {len(IMAGE)}", f"size {1 << 40}")})
    with pytest.raises(TooLarge, match="Git LFS"):
        paths(f"{address}/site", huge, lfs=True)


def test_only_whole_pointers_are_pointers() -> None:
    assert read_pointer(pointer().encode()) == LfsPointer(DIGEST, len(IMAGE))
    for other in ("", pointer()[:-1], pointer() + "more\n", pointer().replace("sha256", "sha1"), "x" * 2_000):
        assert read_pointer(other.encode()) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("../lib", "https://git.example:8443/acme/lib"),
        ("../../other/lib.git", "https://git.example:8443/other/lib.git"),
        ("./lib.git", "https://git.example:8443/acme/site.git/lib.git"),
        ("git@git.example:acme/lib.git", "https://git.example:8443/acme/lib.git"),
        ("ssh://git@git.example:22/acme/lib.git", "https://git.example:8443/acme/lib.git"),
        ("git@elsewhere.example:acme/lib.git", "https://elsewhere.example/acme/lib.git"),
        ("https://elsewhere.example/lib", "https://elsewhere.example/lib"),
    ],
    ids=["beside", "above", "below", "scp", "ssh", "another-host", "https"],
)
def test_addresses_of_submodules_become_those_for_https(address: str, expected: str) -> None:
    assert resolved(address, "https://git.example:8443/acme/site.git") == expected


@pytest.mark.parametrize("content", [b"[submodule", b"\xff\xfe"], ids=["torn", "binary"])
def test_a_file_of_submodules_that_cannot_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"\.gitmodules cannot be read"):
        submodule_urls(content, "https://git.example/acme/site")
