"""Ports over git repositories."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cadence.domain.pipelines.specification import EVERYTHING, SourceSelection
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class GitCredentials:
    """The user and password that read a private repository. Sent to the address's own host only, and only encrypted."""

    username: str
    password: str = field(repr=False)


class GitReader(Protocol):
    """Reads repositories by their http(s) addresses. No call takes longer than half a minute or fetches more than 64
    MiB.

    Both methods raise InvalidRequest for an address that may not be read from here, NotFound if there is no such
    repository, commit or file (or it is not visible without `credentials`), TooLarge beyond the bounds, and Transient
    if the host does not answer.
    """

    def read_file(self, url: str, commit: str, path: str, credentials: GitCredentials | None = None) -> bytes:
        """Returns the content of a file of at most 5 MB as it is in `commit` (40 hexadecimal digits)."""

    def changed_files(
        self, url: str, base: str | None, head: str, *, merge_base: bool, credentials: GitCredentials | None = None
    ) -> frozenset[str]:
        """Returns the paths that differ between `base` and `head`; both paths of a renamed file.

        `head` and `base` are commits; `base` may also be `HEAD` (the default branch), or None for every file of `head`.
        With `merge_base` the comparison starts where `head` left `base`, so that later changes on `base` are not
        included.
        """


class TagReader(Protocol):
    """Finds the commits of tags. Raises the errors of GitReader."""

    def find_tag(self, url: str, tag: str, credentials: GitCredentials | None = None) -> str:
        """Returns the commit that a tag names now. Raises NotFound if the repository has no such tag."""


class FolderReader(Protocol):
    """Reads folders and files of repositories."""

    def read_folder(
        self, url: str, commit: str, folder: str, credentials: GitCredentials | None = None, asked: Sequence[str] = ()
    ) -> tuple[Mapping[str, bytes], Collection[str]]:
        """Returns the files directly in a folder, by name, and those of the paths `asked` that are files.

        There are none if there is no such folder. Raises like `GitReader`; TooLarge if the files of the folder have
        more than 5 MB together.
        """

    def read_files(
        self, url: str, commit: str, paths: Sequence[str], credentials: GitCredentials | None = None
    ) -> Mapping[str, bytes | NotFound]:
        """Returns the content of each file, by its path from the root, or the error that says why there is none.

        Links are not followed. Raises like `GitReader`; TooLarge if the files have more than 5 MB together.
        """

    def read_below(
        self, url: str, commit: str, folder: str, most: int, credentials: GitCredentials | None = None
    ) -> Mapping[str, bytes]:
        """Returns the files in a folder and in the folders below it, by their paths from there.

        There are none if there is no such folder. Links are left out. Raises like `GitReader`; TooLarge if there are
        more than `most` files or too many folders, or if the files have more than 5 MB together.
        """


CredentialsOf = Callable[[str], GitCredentials | None]
"""Returns the credentials with which the repository at an address is read; None for those of none."""


def no_credentials_of(url: str) -> None:
    """Implements CredentialsOf where all repositories are read without credentials."""


class ArchiveReader(Protocol):
    """Reads the files of commits."""

    def read_archive(
        self,
        url: str,
        commit: str,
        credentials: GitCredentials | None = None,
        selection: SourceSelection = EVERYTHING,
        credentials_of: CredentialsOf = no_credentials_of,
    ) -> bytes:
        """Returns the selected files of a commit as a tar archive, whose bytes depend on the files alone.

        Submodules are empty directories in it unless they are selected; they are read with the credentials that
        `credentials_of` returns for their addresses. Raises like `GitReader`.
        """


class RepositoryCredentials(Protocol):
    """Finds the credentials with which a project reads a repository."""

    def __call__(self, organization: str, project: str, url: str) -> GitCredentials | None:
        """Returns the project's credentials for `url`; None if its host is not one of the project's git hosts."""


def no_credentials(organization: str, project: str, url: str) -> GitCredentials | None:
    """Implements RepositoryCredentials where there is no key to decrypt tokens with: always returns None."""
    return None
