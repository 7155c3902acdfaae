"""Keeps a project's lines in a search service: puts fresh segments there, and removes lines that are too old."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.logs.ports import Line, LogSegments
from cadence.application.search.index_project import IndexingResult, IndexProject, read_segment
from cadence.application.search.line_store_ports import LineStore
from cadence.application.search.split_ports import Deadline, SplitCatalogue
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import Segment
from cadence.domain.search.split import is_covered
from cadence.domain.search.tending import batches
from cadence.domain.shared.errors import Conflict, InvalidRequest

_log = logging.getLogger("cadence.search_index")

# The most that is put at once: some ten megabytes.
_MOST_LINES = 10_000
_MOST_SEGMENTS = 200
_AGAIN_AFTER = timedelta(minutes=1)
_REMOVED_EVERY = timedelta(hours=12)
_LOOKED_AT_EVERY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class SyncSearchService:
    """Maintains the lines in a search service.

    `splits` keeps the index of lines in the buckets of pools, which never go to the service, and removes older splits,
    from before the store was in use.
    """

    catalogue: SplitCatalogue
    segments: LogSegments
    store: LineStore
    splits: IndexProject
    clock: Clock

    def build(self, organization: str, project: str) -> IndexingResult:
        """Puts all fresh segments into the store. Safe to repeat. Raises Transient."""
        done = IndexingResult()
        if self._put_fresh(organization, project, done):
            _add(done, self.splits.build(organization, project))
        self._due(organization, project, _REMOVED_EVERY, only_if_never=True)
        return done

    build_all = build

    def tend(self, organization: str, project: str, over: Deadline) -> IndexingResult:
        """Puts fresh segments into the store, and removes lines that are too old. Raises Transient."""
        done = IndexingResult()
        elsewhere = self._put_fresh(organization, project, done)
        if over():
            return done
        retention = self.splits.retention(self.catalogue.get_state(organization, project))
        remaining = self.store.remove(organization, project, self.clock() - retention)
        splits = self.catalogue.list_splits(organization, project)
        if elsewhere or any(split.bucket for split in splits):
            _add(done, self.splits.tend(organization, project, over))
            self._due(organization, project, _LOOKED_AT_EVERY)
            return done
        done.removed += self.splits.remove_expired(organization, project)
        if remaining or splits:
            self._due(organization, project, _REMOVED_EVERY)
        else:
            self._due(organization, project, None)
        return done

    def ask_again(self, organization: str, project: str) -> None:
        """Makes the project due in a minute."""
        self._due(organization, project, _AGAIN_AFTER)

    def _put_fresh(self, organization: str, project: str, done: IndexingResult) -> bool:
        """Returns whether there are other fresh segments, in the buckets of pools."""
        listed = self.catalogue.list_fresh(organization, project)
        splits = self.catalogue.list_splits(organization, project)
        earliest = self.clock() - self.splits.retention(self.catalogue.get_state(organization, project))
        fresh: list[Segment] = []
        forgotten: list[Segment] = []
        for segment in listed:
            if segment.bucket is not None:
                continue
            too_old = datetime.fromisoformat(segment.last_time) <= earliest
            (forgotten if too_old or is_covered(segment, splits) else fresh).append(segment)
        if forgotten:
            self.catalogue.forget_fresh(forgotten)
        for batch in batches(fresh, _MOST_SEGMENTS, _MOST_LINES):
            self._put(batch, done)
        return any(segment.bucket is not None for segment in listed)

    def _put(self, batch: Sequence[Segment], done: IndexingResult) -> None:
        """Puts segments, which stay fresh until the store has them.

        Searches leave fresh segments out of the store, so that each line is found once.
        """
        readable: list[tuple[Segment, Sequence[Line]]] = []
        for segment in batch:
            try:
                readable.append((segment, read_segment(self.segments, segment)))
            except InvalidRequest as error:
                self._skip(segment, error.message, done)
        refused = self.store.put(readable) if readable else {}
        taken: list[Segment] = []
        for segment, _ in readable:
            cause = refused.get((segment.run_id, segment.number))
            if cause is None:
                taken.append(segment)
            else:
                self._skip(segment, cause, done)
        if taken:
            self.catalogue.forget_fresh(taken)
        done.lines += sum(segment.lines for segment in taken)
        done.built += len(taken)

    def _skip(self, segment: Segment, cause: str, done: IndexingResult) -> None:
        _log.error(
            "a log segment cannot be indexed and was set aside",
            extra={"run_id": segment.run_id, "segment": segment.number, "cause": cause},
        )
        # Another call may have put it or set it aside meanwhile: then it is not fresh any more.
        with suppress(Conflict):
            self.catalogue.skip_segment(segment, cause, self.clock())
            done.dead_letters += 1

    def _due(self, organization: str, project: str, after: timedelta | None, *, only_if_never: bool = False) -> None:
        """Sets when the project is due, unless another call has changed its state meanwhile."""
        state = self.catalogue.get_state(organization, project)
        if only_if_never and state.due_at is not None:
            return
        with suppress(Conflict):
            self.catalogue.note_look(state, None if after is None else self.clock() + after)


def _add(total: IndexingResult, done: IndexingResult) -> None:
    for name, number in vars(done).items():
        setattr(total, name, getattr(total, name) + number)
