"""Fetches the documents whose definitions another document uses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.git_ports import GitReader, RepositoryCredentials, no_credentials
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines.document import Reference, Unavailable, collect_libraries
from cadence.domain.shared.errors import CadenceError, NotFound, Transient

_PUBLIC_ONLY = "the project's access token is used only for callers with pipelines:write or runs:start"


class LibraryTexts(Protocol):
    """Files read from git at a commit, which never change (bucket `data`, `documents/library/`).

    A key has the organization, the project and what names the file there, each on a line of its own.
    """

    def get(self, key: str) -> bytes:
        """Returns a stored file. Raises NotFound."""

    def put(self, key: str, content: bytes) -> None:
        """Stores a file."""


class ReadOwnFiles(Protocol):
    """Reads files of the repository in which a document lies."""

    def __call__(self, paths: Sequence[str]) -> Mapping[str, bytes | Unavailable]:
        """Returns the content of each file, by its path from the root, or the reason why it cannot be read.

        Raises Transient if the repository cannot be read now.
        """


@dataclass(frozen=True)
class OwnFiles:
    """The files beside a document. `path` is the document's own, from the root of their repository."""

    path: str
    read: ReadOwnFiles


class LibrarySource(Protocol):
    """Provides the documents whose definitions a document uses."""

    def __call__(
        self,
        organization: str,
        project: str,
        source: bytes | str,
        own_files: OwnFiles | None = None,
        *,
        with_token: bool = True,
    ) -> Mapping[Reference, bytes | Unavailable]:
        """Returns every document that `source` refers to, directly or through others.

        `own_files` are those beside the document; None if it lies in no repository. Raises Transient if these cannot be
        read now.

        Without the project's access tokens (`with_token`) only public repositories and stored files can be read.
        """


@dataclass(frozen=True, kw_only=True)
class FetchLibraries:
    """Implements LibrarySource. `git` makes the reader only when a file is to be read."""

    pipelines: PipelineStore
    documents: Documents
    kept: LibraryTexts
    git: Callable[[], GitReader]
    credentials: RepositoryCredentials = no_credentials

    def fetch(
        self,
        organization: str,
        project: str,
        source: bytes | str,
        own_files: OwnFiles | None = None,
        *,
        with_token: bool = True,
    ) -> Mapping[Reference, bytes | Unavailable]:
        """Returns every document that `source` refers to, directly or through others.

        Never raises for the document's content: a document that cannot be read is Unavailable, which becomes a finding.
        Raises Transient if the files beside the document cannot be read now.
        """
        silent: dict[str | None, Unavailable] = {}

        def fetch(requested: Sequence[Reference]) -> Mapping[Reference, bytes | Unavailable]:
            own = [one.path for one in requested if one.is_own and one.path is not None]
            contents = own_files.read(own) if own and own_files is not None else {}
            texts: dict[Reference, bytes | Unavailable] = {Reference(path=path): contents[path] for path in own}
            for reference in requested:
                if reference.is_own:
                    continue
                if reference.git in silent:
                    texts[reference] = silent[reference.git]
                else:
                    texts[reference] = self._fetch(organization, project, reference, silent, with_token)
            return texts

        within = None if own_files is None else Reference(path=own_files.path)
        return collect_libraries(source, within, fetch)

    def _fetch(
        self,
        organization: str,
        project: str,
        reference: Reference,
        silent: dict[str | None, Unavailable],
        with_token: bool,
    ) -> bytes | Unavailable:
        try:
            if reference.pipeline is not None:
                return self._of_pipeline(organization, project, reference.pipeline, reference.version)
            return self._of_git(organization, project, reference, with_token)
        except CadenceError as error:
            why = str(error).rstrip(".")
            if reference.git is not None and not with_token:
                why += f"; {_PUBLIC_ONLY}"
            unavailable = Unavailable(why)
            if isinstance(error, Transient) and reference.git is not None:
                silent[reference.git] = unavailable  # a host that does not answer is not waited for again
            return unavailable

    def _of_pipeline(self, organization: str, project: str, name: str, number: int | None) -> bytes:
        if number is None:
            version = self.pipelines.newest(organization, project, name)
        else:
            version = self.pipelines.version(organization, project, name, number)
        return self.documents.get(version.document_sha256)

    def _of_git(self, organization: str, project: str, reference: Reference, with_token: bool) -> bytes:
        url, commit, path = reference.git or "", reference.commit or "", reference.path or ""
        # A file read with one project's access token must not reach another project.
        key = f"{organization}\n{project}\n{url}\n{commit}\n{path}"
        try:
            return self.kept.get(key)
        except NotFound:
            credentials = self.credentials(organization, project, url) if with_token else None
            content = self.git().read_file(url, commit, path, credentials)
            self.kept.put(key, content)
            return content
