"""Brings the documents whose definitions another document uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.git_ports import GitReader, RepositoryCredentials, no_credentials
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines.document import MOST_LIBRARIES_DEEP, Reference, Unavailable, references
from cadence.domain.shared.errors import CadenceError, NotFound, Transient

_MOST_LIBRARIES = 20
_MOST_BYTES = 1_000_000
"""Of all of them: each is read with the document, in the same second."""


class LibraryTexts(Protocol):
    """What was read from git at a commit, which never changes (bucket `data`, `documents/`)."""

    def get(self, key: str) -> bytes:
        """Raises NotFound."""

    def put(self, key: str, content: bytes) -> None: ...


class LibrarySource(Protocol):
    def __call__(self, organization: str, project: str, source: bytes | str) -> Mapping[Reference, bytes | Unavailable]:
        """Every document that `source` refers to, and those that they refer to."""


@dataclass(frozen=True, kw_only=True)
class FetchLibraries:
    """`git` makes the reader only when something is to be read."""

    pipelines: PipelineStore
    documents: Documents
    kept: LibraryTexts
    git: Callable[[], GitReader]
    credentials: RepositoryCredentials = no_credentials

    def fetch(self, organization: str, project: str, source: bytes | str) -> Mapping[Reference, bytes | Unavailable]:
        """Never raises for what a document says: what cannot be had is told in the findings."""
        found: dict[Reference, bytes | Unavailable] = {}
        silent: dict[str | None, Unavailable] = {}
        wanted = references(source)
        for _ in range(MOST_LIBRARIES_DEEP):
            new = sorted(wanted - found.keys(), key=str)
            for reference in new:
                if len(found) >= _MOST_LIBRARIES:
                    found[reference] = Unavailable(
                        f"a document can use definitions of {_MOST_LIBRARIES} others at most"
                    )
                elif reference.git in silent:
                    found[reference] = silent[reference.git]
                else:
                    found[reference] = self._one(organization, project, reference, silent)
                if sum(len(text) for text in found.values() if isinstance(text, bytes)) > _MOST_BYTES:
                    found[reference] = Unavailable(
                        f"the documents whose definitions are used have more than {_MOST_BYTES:,} bytes together"
                    )
            wanted = frozenset().union(*(references(text) for one in new if isinstance(text := found[one], bytes)))
        return found

    def _one(
        self, organization: str, project: str, reference: Reference, silent: dict[str | None, Unavailable]
    ) -> bytes | Unavailable:
        try:
            if reference.pipeline is not None:
                return self._of_pipeline(organization, project, reference.pipeline, reference.version)
            return self._of_git(organization, project, reference)
        except CadenceError as error:
            unavailable = Unavailable(str(error).rstrip("."))
            if isinstance(error, Transient) and reference.git is not None:
                silent[reference.git] = unavailable  # a host that does not answer is not waited for again
            return unavailable

    def _of_pipeline(self, organization: str, project: str, name: str, number: int | None) -> bytes:
        if number is None:
            version = self.pipelines.newest(organization, project, name)
        else:
            version = self.pipelines.version(organization, project, name, number)
        return self.documents.get(version.document_sha256)

    def _of_git(self, organization: str, project: str, reference: Reference) -> bytes:
        url, commit, path = reference.git or "", reference.commit or "", reference.path or ""
        # What a project's access token may read is no other project's business.
        key = f"{organization}\n{project}\n{url}\n{commit}\n{path}"
        try:
            return self.kept.get(key)
        except NotFound:
            content = self.git().read_file(url, commit, path, self.credentials(organization, project, url))
            self.kept.put(key, content)
            return content
