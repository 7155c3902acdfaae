"""Reading repositories over HTTP, with the real git program at the other end and as the judge of what differs."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.objects import Tree
from dulwich.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.adapters.git.reader import DulwichGitReader
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient
from tests.git.repositories import Repository, served

LOCAL = EgressPolicy(frozenset({"*"}))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as url:
        yield url


@pytest.fixture(scope="module")
def repository(folder: Path) -> Repository:
    made = Repository(folder / "one")
    made.commit({"ci/shared.yaml": "first", "a.txt": "a"})
    made.commit({"ci/shared.yaml": "second", "ü/b.txt": "b"})
    return made


def test_a_file_is_read_as_it_is_in_the_commit(address, repository):
    reader = DulwichGitReader(LOCAL)
    first, second = repository.git("rev-parse", "HEAD~1"), repository.git("rev-parse", "HEAD")

    for url in (f"{address}/one", f"{address}/one/.git", repository.url):
        assert reader.read_file(url, first, "ci/shared.yaml") == b"first"
        assert reader.read_file(url, second, "ci/shared.yaml") == b"second"
        assert reader.read_file(url, second, "ü/b.txt") == b"b"


def test_files_are_read_together_and_links_are_not_followed(folder: Path, address: str) -> None:
    source = Repository(folder / "libraries")
    inside: dict[str, str | None] = {"ci/a.yaml": "a", "ci/b.yaml": "b", ".cadence/site.yaml": "x"}
    (source.folder / "ci").mkdir()
    (source.folder / "link.yaml").symlink_to("ci/a.yaml")
    (source.folder / "linked").symlink_to("ci")
    (source.folder / "outside.yaml").symlink_to("/etc/hostname")
    first = source.commit(inside)
    source.commit({"ci/a.yaml": "changed"})
    wanted = ["ci/a.yaml", "ci/b.yaml", "link.yaml", "outside.yaml", "linked/a.yaml", "ci", "none.yaml", "ci/../x.yaml"]

    for url in (f"{address}/libraries", source.url):
        found = DulwichGitReader(LOCAL).read_files(url, first, wanted)

        assert list(found) == wanted
        assert (found["ci/a.yaml"], found["ci/b.yaml"]) == (b"a", b"b")
        assert {path: str(one) for path, one in found.items() if isinstance(one, NotFound)} == {
            "link.yaml": "link.yaml is a symbolic link, which is not followed.",
            "outside.yaml": "outside.yaml is a symbolic link, which is not followed.",
            "linked/a.yaml": "linked/a.yaml lies behind a symbolic link, which is not followed.",
            "ci": "ci is not a file.",
            "none.yaml": "There is no file none.yaml.",
            "ci/../x.yaml": "There is no file ci/../x.yaml.",
        }


def test_a_folder_is_read_and_other_files_are_only_looked_for(folder: Path, address: str) -> None:
    source = Repository(folder / "asked")
    (source.folder / "link").symlink_to("large")
    commit = source.commit({".cadence/a.yaml": "a", ".cadence/more/b.yaml": "b", "large": "x" * 6_000_000})

    for url in (f"{address}/asked", source.url):
        found = DulwichGitReader(LOCAL).read_folder(url, commit, ".cadence", asked=["large", "none", "link"])

        assert found == ({"a.yaml": b"a"}, ["large"])
        assert DulwichGitReader(LOCAL).read_folder(url, commit, "none") == ({}, [])


def test_files_below_a_folder_are_read_in_one_pack(folder: Path) -> None:
    source = Repository(folder / "program")
    (source.folder / "link").symlink_to("large")
    files: dict[str, str | None] = {f".melodium-ci/{at}/{at}.mel": f"file {at}" for at in range(60)}
    (source.folder / ".melodium-ci").mkdir()
    (source.folder / ".melodium-ci" / "link.mel").symlink_to("0/0.mel")
    commit = source.commit({**files, ".melodium-ci/Compo.toml": "name = 1", "large": "x" * 6_000_000})
    expected = {name.removeprefix(".melodium-ci/"): str(content).encode() for name, content in files.items()}
    expected["Compo.toml"] = b"name = 1"

    asked: list[str] = []
    with served(folder, asked=asked) as address:
        for url in (f"{address}/program", source.url):
            assert DulwichGitReader(LOCAL).read_below(url, commit, ".melodium-ci", 61) == expected
        # What the server can do, its refs, the commit without its files, and all files together.
        assert [request.split(" ")[0] for request in asked] == ["GET", "POST", "POST", "POST"]
        for url in (f"{address}/program", source.url):
            assert DulwichGitReader(LOCAL).read_below(url, commit, "none", 61) == {}
            assert DulwichGitReader(LOCAL).read_below(url, commit, "large", 61) == {}
            with pytest.raises(TooLarge, match="more than 60 files in"):
                DulwichGitReader(LOCAL).read_below(url, commit, ".melodium-ci", 60)


def nested(source: Repository, folders: int, times: int) -> str:
    """Commits `.melodium-ci` with folders below each other, each `times` in the one above it, without any file."""
    with Repo(str(source.folder)) as repository:
        tree = Tree()
        for _ in range(folders):
            repository.object_store.add_object(tree)
            inner, tree = tree, Tree()
            for at in range(times):
                tree.add(b"%d" % at, stat.S_IFDIR, inner.id)
        root = Tree()
        root.add(b".melodium-ci", stat.S_IFDIR, tree.id)
        for each in (tree, root):
            repository.object_store.add_object(each)
    return source.git("commit-tree", root.id.decode(), "-m", "folders")


@pytest.mark.parametrize(("name", "folders", "times"), [("doubling", 40, 2), ("deep", 3_500, 1)])
def test_folders_without_end_are_refused(folder: Path, name: str, folders: int, times: int) -> None:
    source = Repository(folder / name)
    commit = nested(source, folders, times)
    with pytest.raises(TooLarge, match="too many folders in"):
        DulwichGitReader(LOCAL).read_below(source.url, commit, ".melodium-ci", 60)


def test_files_in_deep_folders_are_read(folder: Path) -> None:
    source = Repository(folder / "deep-program")
    commit = source.commit({f".melodium-ci/{'d/' * 500}a.mel": "a"})
    assert DulwichGitReader(LOCAL).read_below(source.url, commit, ".melodium-ci", 60) == {f"{'d/' * 500}a.mel": b"a"}


def test_files_that_are_too_large_together_are_refused(folder: Path, address: str) -> None:
    source = Repository(folder / "large-libraries")
    commit = source.commit({"a.yaml": "a" * 3_000_000, "b.yaml": "b" * 3_000_000})

    with pytest.raises(TooLarge, match="larger than 5 MB in all"):
        DulwichGitReader(LOCAL).read_files(f"{address}/large-libraries", commit, ["a.yaml", "b.yaml"])


def test_a_server_without_filters_is_read_as_well(folder, address):
    plain = Repository(folder / "plain")
    plain.git("config", "uploadpack.allowFilter", "false")
    plain.git("config", "uploadpack.allowAnySHA1InWant", "false")
    base = plain.commit({"a": "1"})
    head = plain.commit({"a": "2", "b": "1"})

    assert DulwichGitReader(LOCAL).read_file(f"{address}/plain", base, "a") == b"1"
    assert DulwichGitReader(LOCAL).changed_files(f"{address}/plain", base, head, merge_base=True) == {"a", "b"}


@pytest.mark.parametrize("annotated", [False, True], ids=["plain", "annotated"])
def test_a_tag_names_its_commit(address: str, repository: Repository, annotated: bool) -> None:
    tag, commit = f"v1-{annotated}", repository.git("rev-parse", "HEAD~1")
    repository.git("tag", *(["--annotate", "--message", "words"] if annotated else []), tag, commit)

    for url in (f"{address}/one", repository.url):
        assert DulwichGitReader(LOCAL).find_tag(url, tag) == commit
        with pytest.raises(NotFound, match="no tag"):
            DulwichGitReader(LOCAL).find_tag(url, tag[:-1])


@pytest.mark.parametrize(
    ("where", "commit", "path", "words"),
    [
        ("/one", "f" * 40, "a.txt", "does not have this commit"),
        ("/one", "main", "a.txt", "40 hexadecimal digits"),
        ("/one", None, "nothing.txt", "no file nothing.txt"),
        ("/one", None, "ci", "not a file"),
        ("/one", None, "a.txt/b", "no file"),
        ("/two", None, "a.txt", "no repository"),
    ],
)
def test_what_is_not_there(address, repository, where, commit, path, words):
    wanted = commit or repository.git("rev-parse", "HEAD")
    with pytest.raises(NotFound, match=words):
        DulwichGitReader(LOCAL).read_file(address + where, wanted, path)


def test_a_private_repository_needs_its_token_which_no_error_shows(folder, repository):
    commit = repository.git("rev-parse", "HEAD")
    with served(folder, token="s3cret-token") as address:
        reader = DulwichGitReader(LOCAL)
        with pytest.raises(NotFound, match="access token"):
            reader.read_file(f"{address}/one", commit, "a.txt")
        with pytest.raises(NotFound) as refused:
            reader.read_file(f"{address}/one", commit, "a.txt", GitCredentials("git", "another"))
        assert "another" not in str(refused.value)
        assert reader.read_file(f"{address}/one", commit, "a.txt", GitCredentials("git", "s3cret-token")) == b"a"


def test_bounds(folder, address):
    large = Repository(folder / "large")
    commit = large.commit({"big": "x" * 6_000_000})

    with pytest.raises(TooLarge, match="larger than 5 MB"):
        DulwichGitReader(LOCAL).read_file(f"{address}/large", commit, "big")
    with pytest.raises(TooLarge, match="MiB"):
        DulwichGitReader(LOCAL, size=1_000).read_file(f"{address}/large", commit, "big")
    with pytest.raises(Transient, match="longer than"):
        DulwichGitReader(LOCAL, seconds=-1).read_file(f"{address}/large", commit, "big")


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git.example/a.git",
        "git://git.example/a.git",
        "git@git.example:a.git",
        "file:///etc",
        "https://user:password@git.example/a.git",
        "https://git.example:99999/a.git",
        "https:///a.git",
    ],
)
def test_addresses_that_are_refused_as_they_stand(url):
    with pytest.raises(InvalidRequest):
        DulwichGitReader().read_file(url, "0" * 40, "a")


def test_the_network_that_cadence_runs_in_is_out_of_reach_unless_named(address, repository):
    commit = repository.git("rev-parse", "HEAD")
    with pytest.raises(Transient, match="not a public address"):
        DulwichGitReader().read_file(f"{address}/one", commit, "a.txt")
    for named in ("127.0.0.1", address.removeprefix("http://")):
        reader = DulwichGitReader(EgressPolicy(frozenset({named})))
        assert reader.read_file(f"{address}/one", commit, "a.txt") == b"a"
        with pytest.raises(InvalidRequest, match="https"):
            reader.read_file(f"{address}/one", commit, "a.txt", GitCredentials("git", "token"))


def test_a_new_branch_is_compared_with_the_default_one_and_a_new_repository_with_nothing(folder, address):
    made = Repository(folder / "branches")
    start = made.commit({"a": "1", "b": "1"})
    made.git("checkout", "--quiet", "-b", "feature")
    head = made.commit({"c": "1"})
    made.git("checkout", "--quiet", "main")
    made.commit({"a": "2"})

    reader, url = DulwichGitReader(LOCAL), f"{address}/branches"
    assert reader.changed_files(url, "HEAD", head, merge_base=True) == {"c"}
    assert reader.changed_files(url, "HEAD", head, merge_base=False) == {"a", "c"}
    assert reader.changed_files(url, None, start, merge_base=False) == {"a", "b"}


def test_where_long_branches_parted_is_found(folder, address):
    made = Repository(folder / "long")
    start = made.commit({"start": "1"})
    for branch, count in (("left", 60), ("right", 3)):
        made.git("checkout", "--quiet", "-b", branch, start)
        for number in range(count):
            made.commit({f"{branch}-{number}": "x"})
    left, right = made.git("rev-parse", "left"), made.git("rev-parse", "right")

    changed = DulwichGitReader(LOCAL).changed_files(f"{address}/long", right, left, merge_base=True)
    assert changed == made.differing(right, left, "...")
    assert len(changed) == 60


NAMES = st.sampled_from(["a", "b", "src/a", "src/b", "src/deep/a", "docs/ü"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["commit", "branch", "merge"]),
        st.integers(0, 5),
        st.dictionaries(NAMES, st.one_of(st.none(), st.sampled_from(["1", "2", "3"])), max_size=3),
    ),
    min_size=2,
    max_size=8,
)


@given(steps=STEPS, picks=st.tuples(st.integers(0, 20), st.integers(0, 20)))
@settings(max_examples=25)
def test_what_differs_is_what_git_says(steps, picks):
    """Random histories with branches and merges, criss-cross too."""
    folder = Path(tempfile.mkdtemp())
    try:
        made = Repository(folder / "r")
        commits = [made.commit({"a": "0"})]
        branches = ["main"]
        for number, (what, which, files) in enumerate(steps):
            branch = branches[which % len(branches)]
            if what == "branch":
                branches.append(f"b{number}")
                made.git("branch", branches[-1], branch)
                continue
            made.git("checkout", "--quiet", branch)
            if what == "merge":
                other = branches[(which + number) % len(branches)]
                made.git("merge", "--quiet", "--no-edit", "--no-ff", "-s", "ours", "--allow-unrelated-histories", other)
            commits.append(made.commit(dict(files)))
        base, head = (commits[pick % len(commits)] for pick in picks)
        with served(folder) as address:
            reader = DulwichGitReader(LOCAL)
            for dots, merge_base in (("..", False), ("...", True)):
                found = reader.changed_files(f"{address}/r", base, head, merge_base=merge_base)
                assert found == made.differing(base, head, dots)
    finally:
        shutil.rmtree(folder)
