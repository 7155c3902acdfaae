"""Stores the files of an event's commit, for the treatments with `source`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from cadence.application.pipelines.run_request import RunRequest
from cadence.application.repositories.submodule_tokens import SubmoduleTokens
from cadence.application.shared.git_ports import ArchiveReader, GitCredentials, no_credentials_of
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.source import with_source
from cadence.domain.pipelines.specification import SourceSelection, StoredContent
from cadence.domain.repositories.repository import Repository
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, TooLarge
from cadence.domain.triggers.git_events import GitEvent, PullRequest
from cadence.domain.values.stream import MAX_CHUNK

WriteChunk = Callable[[str, bytes], None]
"""Implemented by `Chunks.write`."""


def store_archive(write: WriteChunk, organization: str, project: str, content: bytes) -> StoredContent:
    """Stores an archive of files in chunks, under its digest; storing it again changes nothing."""
    sha256 = hashlib.sha256(content).hexdigest()
    prefix = ids.source_prefix(organization, project, sha256)
    starts = range(0, len(content), MAX_CHUNK)
    for number, start in enumerate(starts):
        write(f"{prefix}{number:012}", content[start : start + MAX_CHUNK])
    return StoredContent(prefix=prefix, size=len(content), sha256=sha256, chunks=len(starts))


@dataclass(frozen=True, kw_only=True)
class StoreCommitFiles:
    """Fetches commits and stores their files as an archive, under its digest."""

    archives: ArchiveReader
    submodules: SubmoduleTokens
    write: WriteChunk
    documents: Documents

    def of_event(self, repository: Repository, event: GitEvent, credentials: GitCredentials) -> "EventSource":
        """Returns the source of an event. Nothing is fetched before a run requires it."""
        return EventSource(store=self, repository=repository, event=event, credentials=credentials)

    def store(
        self, repository: Repository, event: GitEvent, credentials: GitCredentials, selection: SourceSelection
    ) -> StoredContent:
        """Fetches the event's commit and stores the selected files; storing them again changes nothing.

        A fork is read without credentials, since the repository's token is not meant for it; nor are its submodules
        read with any. Raises NotFound, TooLarge, InvalidRequest and Forbidden, whose messages say what to do, and
        Transient.
        """
        is_fork = isinstance(event, PullRequest) and event.fork
        url = event.repository_url if is_fork else repository.clone_url
        try:
            content = self.archives.read_archive(
                url,
                event.commit,
                None if is_fork else credentials,
                selection,
                no_credentials_of if is_fork else partial(self.submodules.credentials, repository),
            )
        except (NotFound, TooLarge, InvalidRequest, Forbidden) as error:
            raise type(error)(
                f"The files of commit {event.commit[:12]} cannot be given to treatments with `source`. "
                f"{error.message} Remove `source` and fetch the files in `run` if this cannot be changed."
            ) from error
        return store_archive(self.write, repository.organization, repository.project, content)


@dataclass(kw_only=True)
class EventSource:
    """The files of an event's commit; each selection of them is fetched once for all its runs."""

    store: StoreCommitFiles
    repository: Repository
    event: GitEvent
    credentials: GitCredentials
    _stored: dict[SourceSelection, StoredContent] = field(default_factory=dict, init=False)

    def given_to(self, frozen: RunRequest) -> RunRequest:
        """Returns the planned request, whose plan gives the files to its treatments.

        Raises like `StoreCommitFiles.store`.
        """
        documents = self.store.documents
        specs = with_source(plan.decode(documents.get(frozen.plan_sha256)), self._files)
        return replace(frozen, plan_sha256=documents.put(plan.encode(specs)))

    def _files(self, selection: SourceSelection) -> StoredContent:
        if selection not in self._stored:
            self._stored[selection] = self.store.store(self.repository, self.event, self.credentials, selection)
        return self._stored[selection]
