"""`GitReader` with dulwich: fetches only what a question needs, into memory, and keeps nothing."""

import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from urllib.request import url2pathname

from dulwich.client import FetchPackResult
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import BaseObjectStore, MemoryObjectStore
from dulwich.objects import Blob, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from cadence.adapters.git.checkout import CheckedOut, Checkout
from cadence.adapters.git.history import HistoryTooShort, changed_paths, merge_base, read_history
from cadence.adapters.git.lfs import LfsServer
from cadence.adapters.git.pack_bounds import require_bounded
from cadence.adapters.git.remote import RemoteRepository, commit_id, commit_of
from cadence.adapters.git.transport import BoundedClient, NothingHere, TransferBudget, parsed
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.shared.git_ports import CredentialsOf, GitCredentials, no_credentials_of
from cadence.domain.pipelines.specification import EVERYTHING, SourceSelection
from cadence.domain.shared.errors import NotFound, TooLarge, Transient

LARGEST_FILE = 5_000_000
_SECONDS = 25.0
_BYTES = 64 << 20
_UNPACKED = 128 << 20
"""What the objects of one answer may take in memory."""
_LISTED = 1_000_000
"""How many bytes of trees, and of the paths at which they stand, are listed for one folder."""
_DEPTHS = (50, 1_000, None)
"""How much of the history is fetched to find where two branches parted, until it is found."""
_DEFAULT_BRANCH = "HEAD"


class DulwichGitReader:
    """Implements GitReader."""

    @classmethod
    def reaching(cls, hosts: str, seconds: float = _SECONDS) -> "DulwichGitReader":
        """Returns a reader for `hosts` as in the settings: names with commas between them (see EgressPolicy)."""
        return cls(EgressPolicy.of(hosts), seconds=seconds)

    def __init__(self, reach: EgressPolicy = EgressPolicy(), *, seconds: float = _SECONDS, size: int = _BYTES) -> None:  # noqa: B008
        self._reach, self._seconds, self._size = reach, seconds, size

    def read_file(self, url: str, commit: str, path: str, credentials: GitCredentials | None = None) -> bytes:
        with self._open(url, credentials) as remote:
            name = commit_id(commit)
            remote.fetch([name], depth=1, without=b"blob:none")
            blob = _find(remote.store, commit_of(remote.store, name).tree, path)
            if blob not in remote.store:
                remote.fetch([blob], depth=None, without=b"")
            content = remote.store[blob]
            if not isinstance(content, Blob):
                raise NotFound(f"{path} is not a file in commit {commit[:12]}.")
            if content.raw_length() > LARGEST_FILE:
                raise TooLarge(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB.")
            return content.as_raw_string()

    def read_folder(
        self, url: str, commit: str, folder: str, credentials: GitCredentials | None = None, asked: Sequence[str] = ()
    ) -> tuple[Mapping[str, bytes], Collection[str]]:
        """Implements FolderReader."""
        with self._open(url, credentials) as remote:
            tree = _tree(remote, commit)
            blobs = _blobs(remote.store, tree, folder)
            existing = [path for path in asked if not isinstance(_found(remote.store, tree, path), NotFound)]
            return _contents(remote, blobs, folder), existing

    def read_files(
        self, url: str, commit: str, paths: Sequence[str], credentials: GitCredentials | None = None
    ) -> Mapping[str, bytes | NotFound]:
        """Implements FolderReader."""
        with self._open(url, credentials) as remote:
            tree = _tree(remote, commit)
            found = {path: _found(remote.store, tree, path) for path in paths}
            blobs = {path: one for path, one in found.items() if not isinstance(one, NotFound)}
            contents = _contents(remote, blobs, ", ".join(blobs))
            return {path: one if isinstance(one, NotFound) else contents[path] for path, one in found.items()}

    def read_below(
        self, url: str, commit: str, folder: str, most: int, credentials: GitCredentials | None = None
    ) -> Mapping[str, bytes]:
        """Implements FolderReader."""
        with self._open(url, credentials) as remote:
            root = _folder(remote.store, _tree(remote, commit), folder)
            blobs = {} if root is None else dict(islice(_blobs_below(remote.store, root, folder), most + 1))
            if len(blobs) > most:
                raise TooLarge(f"There are more than {most} files in {folder}.")
            return _contents(remote, blobs, folder)

    def read_archive(
        self,
        url: str,
        commit: str,
        credentials: GitCredentials | None = None,
        selection: SourceSelection = EVERYTHING,
        credentials_of: CredentialsOf = no_credentials_of,
    ) -> bytes:
        """Implements ArchiveReader."""
        checkout = Checkout(
            open=self._open, lfs=LfsServer(self._reach, self._seconds), selection=selection, seconds=self._seconds
        )
        return checkout.pack(CheckedOut(url=url, commit=commit, credentials=credentials), credentials_of)

    def find_tag(self, url: str, tag: str, credentials: GitCredentials | None = None) -> str:
        """Implements TagReader."""
        with self._open(url, credentials) as remote:
            name = remote.tag(b"refs/tags/" + tag.encode())
            if name is None:
                raise NotFound(f"The repository {url} has no tag {tag[:100]!r}.")
            remote.fetch([name], depth=1, without=b"tree:0")
            return commit_of(remote.store, name).id.decode()

    def changed_files(
        self, url: str, base: str | None, head: str, *, merge_base: bool, credentials: GitCredentials | None = None
    ) -> frozenset[str]:
        with self._open(url, credentials) as remote:
            new = commit_id(head)
            old = None if base is None else remote.head() if base == _DEFAULT_BRANCH else commit_id(base)
            if old is not None and merge_base:
                old = _parting(remote, old, new)
            remote.fetch([new] if old is None else [old, new], depth=1, without=b"blob:none")
            before = None if old is None else commit_of(remote.store, old).tree
            return changed_paths(remote.store, before, commit_of(remote.store, new).tree)

    @contextmanager
    def _open(self, url: str, credentials: GitCredentials | None) -> Iterator[RemoteRepository]:
        parts = parsed(url, self._reach)
        try:
            if parts.scheme == "file":
                with Repo(url2pathname(parts.path)) as repository:
                    yield _Here(repository)
            else:
                with closing(
                    BoundedClient(url, self._reach, TransferBudget(self._seconds, self._size), credentials)
                ) as client:
                    yield _There(client)
        except NotGitRepository:
            raise NotFound(
                f"There is no repository {url}, or it is private and the git host has no access token."
            ) from None
        except (GitProtocolError, HangupException) as error:
            raise _translated(url, error) from None
        except KeyError as error:
            raise NotFound(f"The repository {url} lacks {_shown(error)}.") from None


class _Here:
    """A repository on this machine, which is complete."""

    def __init__(self, repository: Repo) -> None:
        self.store: BaseObjectStore = repository.object_store
        self._head: Callable[[], ObjectID] = repository.head
        self._refs = repository.refs

    def head(self) -> ObjectID:
        return self._head()

    def tag(self, ref: bytes) -> ObjectID | None:
        return self._refs.as_dict().get(Ref(ref))

    def fetch(self, wanted: Sequence[ObjectID], *, depth: int | None, without: bytes) -> None:
        """Does nothing: everything is there."""


class _There:
    def __init__(self, client: BoundedClient) -> None:
        self.store: BaseObjectStore = MemoryObjectStore()
        self._client = client

    def head(self) -> ObjectID:
        found = self._client.get_refs("", ref_prefix=[b"HEAD"]).refs.get(Ref(b"HEAD"))
        if found is None:
            raise NotFound("The repository has no default branch.")
        return ObjectID(found)

    def tag(self, ref: bytes) -> ObjectID | None:
        return self._client.get_refs("", ref_prefix=[ref]).refs.get(Ref(ref))

    def fetch(self, wanted: Sequence[ObjectID], *, depth: int | None, without: bytes) -> None:
        pack, keep, drop = self.store.add_pack()  # type: ignore[attr-defined]
        try:
            self._fetch(wanted, pack.write, depth, without)
            require_bounded(pack, _UNPACKED)
        except BaseException:
            drop()
            raise
        keep()

    def _fetch(
        self, wanted: Sequence[ObjectID], write: Callable[[bytes], int], depth: int | None, without: bytes
    ) -> FetchPackResult:
        return self._client.fetch_pack(
            "",
            lambda refs, depth=None: list(dict.fromkeys(wanted)),
            NothingHere(),
            write,
            depth=depth,
            ref_prefix=[b"HEAD"],
            filter_spec=without or None,
        )


def _parting(remote: RemoteRepository, base: ObjectID, head: ObjectID) -> ObjectID | None:
    for depth in _DEPTHS:
        remote.fetch([base, head], depth=depth, without=b"tree:0")
        parents, times = read_history(remote.store, [base, head])
        if base not in parents or head not in parents:
            raise NotFound("One of the two commits is not in the repository.")
        try:
            base_commit = merge_base(parents, times, base, head)
        except HistoryTooShort:
            continue
        return None if base_commit is None else ObjectID(base_commit)
    raise NotFound("The repository's history is incomplete.")


def _tree(remote: RemoteRepository, commit: str) -> ObjectID:
    """Fetches a commit without its files; returns its tree."""
    name = commit_id(commit)
    remote.fetch([name], depth=1, without=b"blob:none")
    tree: ObjectID = commit_of(remote.store, name).tree
    return tree


def _contents(remote: RemoteRepository, blobs: Mapping[str, ObjectID], where: str) -> Mapping[str, bytes]:
    """Fetches the blobs that are missing. Raises TooLarge for those of `where` together."""
    absent = sorted({blob for blob in blobs.values() if blob not in remote.store})
    if absent:
        remote.fetch(absent, depth=None, without=b"")
    contents = {file: remote.store[blob].as_raw_string() for file, blob in blobs.items()}
    if sum(map(len, contents.values())) > LARGEST_FILE:
        raise TooLarge(f"The files in {where} are larger than {LARGEST_FILE // 1_000_000} MB in all.")
    return contents


def _found(store: BaseObjectStore, tree: ObjectID, path: str) -> ObjectID | NotFound:
    try:
        return _find(store, tree, path)
    except NotFound as error:
        return error


def _find(store: BaseObjectStore, tree: ObjectID, path: str) -> ObjectID:
    """Returns the blob of a file."""
    mode, name = stat.S_IFDIR, tree
    for part in path.strip("/").split("/"):
        if stat.S_ISLNK(mode):
            raise NotFound(f"{path} lies behind a symbolic link, which is not followed.")
        folder = store[name] if stat.S_ISDIR(mode) else None
        if not isinstance(folder, Tree) or part.encode() not in folder:
            raise NotFound(f"There is no file {path}.")
        mode, name = folder[part.encode()]
    if stat.S_ISLNK(mode):
        raise NotFound(f"{path} is a symbolic link, which is not followed.")
    if not stat.S_ISREG(mode):
        raise NotFound(f"{path} is not a file.")
    return name


def _blobs(store: BaseObjectStore, tree: ObjectID, folder: str) -> dict[str, ObjectID]:
    """Returns the blobs of the files directly in a folder, by name; none if there is no such folder."""
    name = _folder(store, tree, folder)
    return {} if name is None else {path: blob for path, blob, mode in _entries(store, name) if stat.S_ISREG(mode)}


def _blobs_below(store: BaseObjectStore, tree: ObjectID, folder: str) -> Iterator[tuple[str, ObjectID]]:
    """Yields the files of the tree of a folder and of the trees in it: path, blob.

    Raises TooLarge for lists of files that are too long together. One tree counts wherever it stands: a few that
    repeat each other are a folder without end.
    """
    remaining = _LISTED
    waiting = [("", tree)]
    while waiting:
        within, name = waiting.pop()
        remaining -= store[name].raw_length() + len(within)
        if remaining < 0:
            raise TooLarge(f"There are too many folders in {folder}.")
        for entry, found, mode in _entries(store, name):
            if stat.S_ISDIR(mode):
                waiting.append((f"{within}{entry}/", found))
            elif stat.S_ISREG(mode):
                yield within + entry, found


def _entries(store: BaseObjectStore, tree: ObjectID) -> Iterator[tuple[str, ObjectID, int]]:
    """Yields what is directly in a tree: name, id, mode."""
    found = store[tree]
    for entry in found.iteritems() if isinstance(found, Tree) else ():
        if entry.path is not None and entry.sha is not None and entry.mode is not None:
            yield entry.path.decode("utf-8", "replace"), entry.sha, entry.mode


def _folder(store: BaseObjectStore, tree: ObjectID, folder: str) -> ObjectID | None:
    """Returns the tree of a folder; None if there is no such folder."""
    name = tree
    for part in folder.strip("/").split("/"):
        parent = store[name]
        if not isinstance(parent, Tree) or part.encode() not in parent:
            return None
        mode, name = parent[part.encode()]
        if not stat.S_ISDIR(mode):
            return None
    return name


def _translated(url: str, error: Exception) -> NotFound | Transient:
    """Returns the error in the domain's terms. Git servers describe every error by words alone."""
    message = str(error)
    # A server that is asked for a missing object may also just close the connection.
    if isinstance(error, HangupException) or "not our ref" in message or "unadvertised object" in message:
        return NotFound(f"The repository {url} does not have this commit.")
    return Transient(f"The repository {url} could not be read: {message[:300]}")


def _shown(error: KeyError) -> str:
    key = error.args[0] if error.args else ""
    return key.decode("ascii", "replace") if isinstance(key, bytes) else str(key)[:60]
