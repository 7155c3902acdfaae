"""Stores the files of a working tree, for the treatments with `source: true` of one run."""

from dataclasses import dataclass

from cadence.application.repositories.commit_source import WriteChunk, store_archive
from cadence.domain.access.access import Project
from cadence.domain.pipelines.specification import StoredContent
from cadence.domain.repositories.sent_tree import unpacked_tree


@dataclass(frozen=True)
class StoreWorkingTree:
    """Stores what a user sends in place of a commit."""

    write: WriteChunk

    def store(self, project: Project, compressed: bytes) -> StoredContent:
        """Stores the files under the digest of their archive; storing them again changes nothing.

        Raises InvalidRequest and TooLarge.
        """
        return store_archive(self.write, project.organization, project.name, unpacked_tree(compressed))
