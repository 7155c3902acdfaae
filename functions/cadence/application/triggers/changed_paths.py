"""Decides whether an event changed a file that a trigger names: by the repository, or else by the event's own list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cadence.application.shared.git_ports import GitCredentials, GitReader
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient
from cadence.domain.shared.patterns import selected
from cadence.domain.triggers.git_events import GitEvent
from cadence.domain.triggers.triggers import GitTrigger

MOST_LISTED = 1_000
"""Changed files that the event of a run may list."""
_LONGEST_LIST = 32_000  # characters, since the event is stored with the run


class PathSource(StrEnum):
    """The source of the changed paths."""

    DIFF = "diff"
    EVENT = "event"


@dataclass(kw_only=True)
class ChangedPaths:
    """The files that one event changed. The repository is read at most once, and only if a trigger needs it."""

    git: GitReader
    event: GitEvent
    credentials: GitCredentials | None
    clone_url: str | None = None
    """Where the repository is read; None: where the event says. Credentials go to the address that they are for."""
    _read: bool = field(default=False, init=False)
    _paths: frozenset[str] | None = field(default=None, init=False)
    _source: PathSource = field(default=PathSource.EVENT, init=False)

    def meant(self, trigger: GitTrigger) -> tuple[bool, PathSource | None]:
        """Returns whether the trigger's paths let the event start a run, and the source (None: not needed).

        If the changed files cannot be determined, they do: a run too many is better than none.
        """
        if not trigger.paths or self.event.comparison() is None:
            return True, None
        paths = self._changed()
        return paths is None or any(selected(path, trigger.paths) for path in paths), self._source

    def listed(self, *, wanted: bool) -> tuple[str, ...] | None:
        """Returns the changed files in order, for the run's event; None if they are not known, or too many.

        `wanted`: the repository is read for them. Otherwise they are those that the event lists, or that were read
        already.
        """
        paths = self._changed() if wanted or self._read else self.event.paths
        if paths is None or self.event.comparison() is None:
            return None
        if len(paths) > MOST_LISTED or sum(map(len, paths)) > _LONGEST_LIST:
            return None
        return tuple(sorted(paths))

    def _changed(self) -> frozenset[str] | None:
        comparison = self.event.comparison()
        if not self._read and comparison is not None:
            self._read = True
            try:
                self._paths = self.git.changed_files(
                    self.clone_url or comparison.url,
                    comparison.base,
                    comparison.head,
                    merge_base=comparison.merge_base,
                    credentials=self.credentials,
                )
                self._source = PathSource.DIFF
            except (InvalidRequest, NotFound, TooLarge, Transient):
                self._paths = self.event.paths
        return self._paths


def changed_files(changed: ChangedPaths, *, wanted: bool) -> Mapping[str, Sequence[str]]:
    """Returns the member `changed_files` of a run's event; nothing if the files are not known."""
    paths = changed.listed(wanted=wanted)
    return {} if paths is None else {"changed_files": list(paths)}
