"""What starts runs by the clock."""

from typing import Protocol

from cadence.domain.triggers import Schedule


class Schedules(Protocol):
    """The clock's entries, each named by its pipeline and its own digest. Every call may be repeated."""

    def keep(self, organization: str, project: str, pipeline: str, entry: Schedule) -> None:
        """Fires from about a minute later on; one that is there already stays as it is."""

    def remove(self, organization: str, project: str, pipeline: str, digest: str) -> None:
        """Removing what is not there is no error."""
