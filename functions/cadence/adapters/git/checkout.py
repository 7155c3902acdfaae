"""Collects the files of a commit: those that are selected, of its submodules, and of Git LFS."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from dulwich.object_store import BaseObjectStore
from dulwich.objects import Tree

from cadence.adapters.git.archive import MOST_ENTRIES, PackedFile, TreeEntry, blob_of, pack, walk
from cadence.adapters.git.lfs import LONGEST_POINTER, LfsPointer, LfsServer, read_pointer
from cadence.adapters.git.remote import RemoteRepository, commit_id, commit_of
from cadence.adapters.git.submodules import MODULES_FILE, submodule_urls
from cadence.application.shared.git_ports import CredentialsOf, GitCredentials
from cadence.domain.pipelines.specification import SourceSelection
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient
from cadence.domain.shared.patterns import selected

MOST_SUBMODULES = 20
_DEEPEST = 4
_SUBMODULE = 0o160000
_PRIVATE = "A private submodule is read with its own token: connect its repository to the same project."

OpenRemote = Callable[[str, GitCredentials | None], AbstractContextManager[RemoteRepository]]


@dataclass(frozen=True, kw_only=True)
class CheckedOut:
    """A commit of a repository, and where its files go: `path` is empty, or the path of a submodule with a slash."""

    url: str
    commit: str
    credentials: GitCredentials | None
    path: str = ""
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Collects the files of commits within `seconds`, apart from the repository that is being read then."""

    open: OpenRemote
    lfs: LfsServer
    selection: SourceSelection
    seconds: float

    def pack(self, commit: CheckedOut, credentials_of: CredentialsOf) -> bytes:
        """Returns the archive of a commit. Submodules are read with the credentials that `credentials_of` gives.

        Raises like `ArchiveReader`.
        """
        until = time.monotonic() + self.seconds
        files: list[PackedFile] = []
        waiting = [commit]
        found = 0
        while waiting:
            if found and time.monotonic() > until:
                raise Transient(f"Reading the submodules took longer than {self.seconds:.0f} seconds.")
            one = waiting.pop(0)
            # What was fetched stays in the store when the connection is closed.
            with _at(one.path), self.open(one.url, one.credentials) as remote:
                chosen = self._fetched(remote, one)
                files += self._files(remote.store, chosen, one)
                inner = list(_submodules(remote, chosen, one, credentials_of)) if self.selection.submodules else []
            found += len(inner)
            if found > MOST_SUBMODULES or one.depth + bool(inner) > _DEEPEST:
                raise TooLarge(
                    f"The commit has more than {MOST_SUBMODULES} submodules, or they are in each other more than "
                    f"{_DEEPEST} times."
                )
            waiting += inner
        return pack(files)

    def _fetched(self, remote: RemoteRepository, commit: CheckedOut) -> Sequence[TreeEntry]:
        """Fetches a commit, of files only those that are selected, and returns its selected entries."""
        name, paths = commit_id(commit.commit), self.selection.paths
        remote.fetch([name], depth=1, without=b"blob:none" if paths else b"")
        entries: list[TreeEntry] = []
        for entry in _chosen(walk(remote.store, commit_of(remote.store, name).tree, commit.path), paths):
            entries.append(entry)
            if len(entries) > MOST_ENTRIES:
                break  # packing refuses as many
        if paths:
            wanted = {entry.sha for entry in entries if entry.has_content}
            absent = sorted(sha for sha in wanted if sha not in remote.store)
            if absent:
                remote.fetch(absent, depth=None, without=b"")
        return entries

    def _files(self, store: BaseObjectStore, entries: Iterable[TreeEntry], commit: CheckedOut) -> Iterator[PackedFile]:
        plain = list(entries)
        pointers = dict(_pointers(store, plain)) if self.selection.lfs else {}
        contents = self.lfs.download(commit.url, commit.credentials, pointers) if pointers else {}
        for entry in plain:
            if entry.path in contents:
                content = contents[entry.path]
                yield PackedFile(entry=entry, size=len(content), read=partial(bytes, content))
            elif entry.has_content:
                # Read again when it is packed: a tree can name one large file many times.
                size = blob_of(store, entry).raw_length()
                yield PackedFile(entry=entry, size=size, read=partial(_content, store, entry))
            else:
                yield PackedFile(entry=entry, size=0, read=bytes)


def _content(store: BaseObjectStore, entry: TreeEntry) -> bytes:
    return blob_of(store, entry).as_raw_string()


def _pointers(store: BaseObjectStore, entries: Iterable[TreeEntry]) -> Iterator[tuple[str, LfsPointer]]:
    """Yields the pointers of Git LFS among the entries, by path."""
    for entry in entries:
        blob = blob_of(store, entry) if entry.is_file else None
        pointer = read_pointer(blob.as_raw_string()) if blob and blob.raw_length() <= LONGEST_POINTER else None
        if pointer is not None:
            yield entry.path, pointer


def _chosen(entries: Iterable[TreeEntry], paths: Sequence[str]) -> Iterator[TreeEntry]:
    """Yields the entries that patterns select, and the directories above them; all entries without patterns.

    A pattern that matches a directory selects all that is in it.
    """
    if not paths:
        yield from entries
        return
    patterns = [each for path in paths for each in (path.rstrip("/"), f"{path.rstrip('/')}/**")]
    above: set[str] = set()
    directories: dict[str, TreeEntry] = {}
    for entry in entries:
        if entry.is_directory:
            directories[entry.path] = entry
            continue
        within = entry.mode == _SUBMODULE and any(path.startswith(f"{entry.path}/") for path in paths)
        if within or selected(entry.path, patterns):
            for parent in reversed(PurePosixPath(entry.path).parents[:-1]):
                if str(parent) in directories and str(parent) not in above:
                    above.add(str(parent))
                    yield directories[str(parent)]
            yield entry


def _submodules(
    remote: RemoteRepository, entries: Iterable[TreeEntry], commit: CheckedOut, credentials_of: CredentialsOf
) -> Iterator[CheckedOut]:
    inner = [entry for entry in entries if entry.mode == _SUBMODULE]
    if not inner:
        return
    urls = submodule_urls(_modules_file(remote, commit), commit.url)
    for entry in sorted(inner, key=lambda entry: entry.path):
        url = urls.get(entry.path.removeprefix(commit.path))
        if url is None:
            raise NotFound(f"The submodule {entry.path} has no url in {MODULES_FILE}.")
        yield CheckedOut(
            url=url,
            commit=entry.sha.decode(),
            credentials=credentials_of(url),
            path=f"{entry.path}/",
            depth=commit.depth + 1,
        )


def _modules_file(remote: RemoteRepository, commit: CheckedOut) -> bytes:
    """Returns the file that names the submodules' addresses; empty if there is none."""
    tree = remote.store[commit_of(remote.store, commit_id(commit.commit)).tree]
    name = MODULES_FILE.encode()
    if not isinstance(tree, Tree) or name not in tree:
        return b""
    mode, sha = tree[name]
    if sha not in remote.store:
        remote.fetch([sha], depth=None, without=b"")
    return blob_of(remote.store, TreeEntry(path=MODULES_FILE, mode=mode, sha=sha)).as_raw_string()


@contextmanager
def _at(path: str) -> Iterator[None]:
    """Says in the message of an error which submodule it is about."""
    try:
        yield
    except (NotFound, TooLarge, InvalidRequest) as error:
        if not path:
            raise
        hint = f" {_PRIVATE}" if isinstance(error, NotFound) else ""
        raise type(error)(f"The submodule {path.rstrip('/')}: {error.message}{hint}") from error
