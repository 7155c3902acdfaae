"""Sets how long a project's lines and values are kept: never longer than the installation keeps anything."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.search.split_ports import SplitCatalogue
from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import InvalidRequest, Violation


@dataclass(frozen=True)
class Retention:
    """Days for which lines and values are kept.

    `own` is the project's setting (None: none), `longest` the installation's.
    """

    own: int | None
    longest: int

    @property
    def days(self) -> int:
        """The days that apply to the project."""
        return min(self.own or self.longest, self.longest)


@dataclass(frozen=True)
class ManageRetention:
    """Reads and sets the retention of projects."""

    catalogue: SplitCatalogue
    clock: Clock
    longest: timedelta

    def get(self, organization: str, project: str) -> Retention:
        """Returns the project's retention."""
        own = self.catalogue.get_state(organization, project).retention
        return Retention(None if own is None else own.days, self.longest.days)

    def put(self, organization: str, project: str, days: int | None) -> Retention:
        """Sets the retention in days (None: the installation's) and returns it.

        Raises InvalidRequest for more than the installation's.
        """
        if days is not None and not 1 <= days <= self.longest.days:
            message = (
                f"A project's lines and values can be kept for 1 to {self.longest.days} days here; "
                "the maximum is set when Cadence is deployed (retention_days)."
            )
            raise InvalidRequest(message, [Violation("/days", message, "out_of_range")])
        own = None if days is None else timedelta(days=days)
        self.catalogue.put_retention(organization, project, own, self.clock())
        return self.get(organization, project)
