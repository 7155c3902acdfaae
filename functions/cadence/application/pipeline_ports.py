"""What the use cases about pipelines need from the outside (table `pipelines`)."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.versions import PipelineVersion


class PipelineStore(Protocol):
    def newest(self, organization: str, project: str, name: str) -> PipelineVersion:
        """Raises NotFound."""

    def version(self, organization: str, project: str, name: str, version: int) -> PipelineVersion:
        """Raises NotFound."""

    def list_newest(self, organization: str, project: str) -> Sequence[PipelineVersion]:
        """The newest version of every pipeline of the project, by name."""

    def list_versions(self, organization: str, project: str, name: str) -> Sequence[PipelineVersion]:
        """Newest first."""

    def add_version(self, version: PipelineVersion) -> None:
        """Raises Conflict unless the newest version so far is the one before it."""
