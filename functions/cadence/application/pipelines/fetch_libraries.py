"""Fetches the documents whose definitions another document uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.git_ports import GitReader, RepositoryCredentials, no_credentials
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines.document import MOST_LIBRARIES_DEEP, Reference, Unavailable, references
from cadence.domain.shared.errors import CadenceError, NotFound, Transient

_MOST_LIBRARIES = 20
_PUBLIC_ONLY = "the project's access token is used only for callers with pipelines:write or runs:start"
_MOST_BYTES = 1_000_000
"""Of all libraries together, as they are read together with the document."""


class LibraryTexts(Protocol):
    """Files read from git at a commit, which never change (bucket `data`, `documents/library/`).

    A key has the organization, the project and what names the file there, each on a line of its own.
    """

    def get(self, key: str) -> bytes:
        """Returns a stored file. Raises NotFound."""

    def put(self, key: str, content: bytes) -> None:
        """Stores a file."""


class LibrarySource(Protocol):
    """Provides the documents whose definitions a document uses."""

    def __call__(
        self, organization: str, project: str, source: bytes | str, *, with_token: bool = True
    ) -> Mapping[Reference, bytes | Unavailable]:
        """Returns every document that `source` refers to, directly or through others.

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
        self, organization: str, project: str, source: bytes | str, *, with_token: bool = True
    ) -> Mapping[Reference, bytes | Unavailable]:
        """Returns every document that `source` refers to, directly or through others.

        Never raises for the document's content: a document that cannot be read is Unavailable, which becomes a finding.
        """
        texts: dict[Reference, bytes | Unavailable] = {}
        silent: dict[str | None, Unavailable] = {}
        pending = references(source)
        for _ in range(MOST_LIBRARIES_DEEP):
            new = sorted(pending - texts.keys(), key=str)
            for reference in new:
                if len(texts) >= _MOST_LIBRARIES:
                    texts[reference] = Unavailable(
                        f"a document can use definitions of {_MOST_LIBRARIES} others at most"
                    )
                elif reference.git in silent:
                    texts[reference] = silent[reference.git]
                else:
                    texts[reference] = self._fetch(organization, project, reference, silent, with_token)
                if sum(len(content) for content in texts.values() if isinstance(content, bytes)) > _MOST_BYTES:
                    texts[reference] = Unavailable(
                        f"the documents whose definitions are used have more than {_MOST_BYTES:,} bytes together"
                    )
            pending = frozenset().union(
                *(references(content) for library in new if isinstance(content := texts[library], bytes))
            )
        return texts

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
