"""Whether an event changed a file that a trigger is about: by the repository itself, or else as far as the event tells."""

from dataclasses import dataclass, field
from enum import StrEnum

from cadence.application.shared.git_ports import GitCredentials, GitReader
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient
from cadence.domain.shared.patterns import selected
from cadence.domain.triggers.git_events import GitEvent
from cadence.domain.triggers.triggers import GitTrigger


class PathSource(StrEnum):
    """Where the changed paths are known from."""

    DIFF = "diff"
    EVENT = "event"


@dataclass(kw_only=True)
class ChangedPaths:
    """The files that one event changed. The repository is read at most once, and only if a trigger asks for it."""

    git: GitReader
    event: GitEvent
    credentials: GitCredentials | None
    _read: bool = field(default=False, init=False)
    _paths: frozenset[str] | None = field(default=None, init=False)
    _source: PathSource = field(default=PathSource.EVENT, init=False)

    def meant(self, trigger: GitTrigger) -> tuple[bool, PathSource | None]:
        """Whether the trigger's paths let the event start a run, and how that is known (None: it has none to fit).

        If nobody can tell which files changed, it does: better once too often than never.
        """
        if not trigger.paths or self.event.comparison() is None:
            return True, None
        paths = self._changed()
        return paths is None or any(selected(path, trigger.paths) for path in paths), self._source

    def _changed(self) -> frozenset[str] | None:
        comparison = self.event.comparison()
        if not self._read and comparison is not None:
            self._read = True
            try:
                self._paths = self.git.changed_files(
                    comparison.url,
                    comparison.base,
                    comparison.head,
                    merge_base=comparison.merge_base,
                    credentials=self.credentials,
                )
                self._source = PathSource.DIFF
            except (InvalidRequest, NotFound, TooLarge, Transient):
                self._paths = self.event.paths
        return self._paths
