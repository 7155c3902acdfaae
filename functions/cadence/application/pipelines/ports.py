"""Ports over pipelines and their schedules (table `pipelines`)."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.triggers.triggers import Schedule


class PipelineStore(Protocol):
    """Versions of pipelines."""

    def newest(self, organization: str, project: str, name: str) -> PipelineVersion:
        """Returns the newest version. Raises NotFound."""

    def version(self, organization: str, project: str, name: str, version: int) -> PipelineVersion:
        """Returns one version. Raises NotFound."""

    def list_newest(self, organization: str, project: str) -> Sequence[PipelineVersion]:
        """Returns the newest version of every pipeline of the project, by name."""

    def list_versions(self, organization: str, project: str, name: str) -> Sequence[PipelineVersion]:
        """Returns all versions, newest first."""

    def add_version(self, version: PipelineVersion) -> None:
        """Stores a version. Raises Conflict unless the newest version so far is the one before it."""


class PipelineRegistry(PipelineStore, Protocol):
    """Pipelines that can be removed. A version's number is never used twice, not even after that."""

    def add_first(self, version: PipelineVersion) -> None:
        """Stores the first version, or the one after those that were removed.

        Raises Conflict if there is a newest version, or if the last one that was removed is not the one before it.
        """

    def last_removed(self, organization: str, project: str, name: str) -> int:
        """Returns the number of the newest version at the removal of the pipeline; 0 if it never was removed."""

    def remove(self, newest: PipelineVersion) -> None:
        """Removes a pipeline with all its versions. Safe to repeat after a crash.

        Raises Conflict if `newest` is not the newest version any more.
        """


class Schedules(Protocol):
    """Schedules, each named by its pipeline and its own digest. Every call may be repeated."""

    def keep(self, organization: str, project: str, pipeline: str, entry: Schedule) -> None:
        """Creates a schedule that fires from about a minute later on; an existing one stays as it is."""

    def remove(self, organization: str, project: str, pipeline: str, digest: str) -> None:
        """Removes a schedule. Removing an absent one is no error."""
