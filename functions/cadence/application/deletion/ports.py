"""Ports of the deletion of projects and organizations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from cadence.domain.deletion.project_deletion import DataCounts, ProjectDeletion

Deadline = Callable[[], bool]
"""Returns True once the time is over."""

TOKEN, GITHOST, REPOSITORY, POOL = "TOKEN", "GITHOST", "REPOSITORY", "POOL"
"""Kinds of things whose ids are noted before they go."""


class DeletionStore(Protocol):
    """Records of deletions (table `access`).

    A project under deletion is marked, and no run of it starts; of an organization under deletion, no token is
    accepted.
    """

    def request(self, deletion: ProjectDeletion) -> None:
        """Stores the deletion and marks its project or organization, at once.

        Raises Conflict if that does not exist, is marked already, or something of it is held.
        """

    def get(self, organization: str, deletion_id: str) -> ProjectDeletion:
        """Returns a deletion. Raises NotFound."""

    def list(self, organization: str) -> Sequence[ProjectDeletion]:
        """Returns the deletions of projects of the organization, the newest first."""

    def list_organizations(self) -> Sequence[ProjectDeletion]:
        """Returns the deletions of organizations, the newest first."""

    def unfinished(self) -> Sequence[ProjectDeletion]:
        """Returns all deletions that are not finished, the oldest first, those of organizations after the projects'."""

    def update(self, deletion: ProjectDeletion) -> ProjectDeletion:
        """Stores a deletion and returns it with its new version. Raises Conflict if it was changed meanwhile."""

    def finish(self, deletion: ProjectDeletion) -> None:
        """Stores a deletion that is finished, and removes the project and its mark at once.

        Of an organization, the name stays, so that it is not used again, and the mark.
        Raises Conflict if it was changed meanwhile.
        """


class DeletionNotes(Protocol):
    """Ids of things of a project under deletion, so that what they lead to is found after they are gone."""

    def note(self, organization: str, project: str, kind: str, names: Iterable[str]) -> None:
        """Notes ids of one kind. Raises Transient; safe to repeat."""


class ProjectSources(Protocol):
    """Everything that starts runs of a project, or lets somebody act in it.

    Of an organization (`project` is `*`), that is everything that lets somebody act in it or for it.
    """

    def close(self, organization: str, project: str) -> tuple[Mapping[str, int], Sequence[str]]:
        """Removes schedules, webhooks, git hosts, tokens, invitations and grants of the project. Safe to repeat.

        Returns counts of what was removed, and sentences about what could not be removed elsewhere, such as a webhook
        on a code host.
        """

    def end_runs(self, organization: str, project: str, cause: str) -> int:
        """Cancels the runs that have not ended, and returns how many these are. Safe to repeat.

        Of an organization, returns the number of its projects that are not deleted yet.
        """


class ProjectData(Protocol):
    """Everything that is stored of a project: items of all tables, objects of all buckets, lines of a search service.

    Of an organization (`project` is `*`), it is all that belongs to no project; the count includes its projects.

    All methods raise Transient, and are safe to repeat.
    """

    def count(self, organization: str, project: str, over: Deadline) -> DataCounts:
        """Counts it by kind, as far as there is time."""

    def remove(
        self, organization: str, project: str, removed: Callable[[Mapping[str, int]], None], over: Deadline
    ) -> bool:
        """Removes it, as far as there is time; returns True once nothing is left.

        Calls `removed` with the counts of each part after it has been removed.
        """


class DeletionWork(Protocol):
    """The Lambda that deletes projects, as others call it."""

    def count(self, organization: str, project: str) -> DataCounts:
        """Counts a project's data. Raises Transient if there is no answer in time."""

    def wake(self) -> None:
        """Lets it look for deletions now. A call that gets lost is made up for within an hour."""
