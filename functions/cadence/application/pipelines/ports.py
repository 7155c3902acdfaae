"""What the use cases about pipelines need from the outside (table `pipelines`)."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.triggers.triggers import Schedule


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


class Schedules(Protocol):
    """The clock's entries, each named by its pipeline and its own digest. Every call may be repeated."""

    def keep(self, organization: str, project: str, pipeline: str, entry: Schedule) -> None:
        """Fires from about a minute later on; one that is there already stays as it is."""

    def remove(self, organization: str, project: str, pipeline: str, digest: str) -> None:
        """Removing what is not there is no error."""
