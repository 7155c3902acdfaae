"""Maintains a project's index: turns fresh segments into splits, merges small splits, and removes what is too old.

Any number of processes may do this at once, and any of them may end anywhere: conditional transactions decide which
result counts. An object that lost, or whose writer ended before its transaction, has no reference and is removed by the
bucket's lifecycle rule, if it is not removed here.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.logs.ports import Line, LogSegments
from cadence.application.search.split_ports import BuiltSplit, Deadline, IndexState, SplitCatalogue, Splits
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import Segment
from cadence.domain.search.split import (
    Covered,
    Split,
    covering,
    is_covered,
    merged_covering,
)
from cadence.domain.search.tending import FULL_BYTES, Look, batches, look
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Transient
from cadence.domain.shared.ids import split_key

_log = logging.getLogger("cadence.search_index")

_ATTEMPTS = 5
# A process that maintains a project has so long; afterwards another one may take over.
_TAKEN_FOR = timedelta(minutes=15)
# After this time no search is running that read the fresh segments before.
_SURELY_FORGOTTEN = timedelta(minutes=15)
_REMOVED_AT_ONCE = 90
_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(kw_only=True)
class IndexingResult:
    """The numbers of lines indexed, splits built, merged and removed, and segments set aside."""

    lines: int = 0
    built: int = 0
    merged: int = 0
    removed: int = 0
    dead_letters: int = 0


@dataclass(frozen=True, kw_only=True)
class IndexProject:
    """Maintains indexes; `longest` is how long lines are found unless the project sets a shorter time.

    `only_elsewhere` leaves out the segments in the installation's own bucket, since a search service has their lines.
    """

    catalogue: SplitCatalogue
    segments: LogSegments
    splits: Splits
    clock: Clock
    new_id: Callable[[datetime], str]
    longest: timedelta
    only_elsewhere: bool = False

    def build(self, organization: str, project: str) -> IndexingResult:
        """Builds splits if there is enough to build by now, and notes when to look again. Safe to repeat.

        Raises Transient.
        """
        return self._look(organization, project, lambda: True)

    def build_all(self, organization: str, project: str) -> IndexingResult:
        """Builds splits of all fresh segments, however few. Safe to repeat. Raises Transient."""
        return self._look(organization, project, lambda: True, all_fresh=True)

    def tend(self, organization: str, project: str, over: Deadline) -> IndexingResult:
        """Builds, merges and removes, until all is done or the time is over; skips if another process does it."""
        state = self.catalogue.get_state(organization, project)
        try:
            self.catalogue.note_look(state, self.clock() + _TAKEN_FOR)
        except Conflict:
            return IndexingResult()
        return self._look(organization, project, over)

    def ask_again(self, organization: str, project: str) -> None:
        """Makes the project due in a minute, unless another process has set its time meanwhile."""
        state = self.catalogue.get_state(organization, project)
        with suppress(Conflict):
            self.catalogue.note_look(state, self.clock() + _AGAIN_AFTER)

    def remove_expired(self, organization: str, project: str) -> int:
        """Removes splits whose lines are all too old, and returns how many."""
        state = self.catalogue.get_state(organization, project)
        splits = self.catalogue.list_splits(organization, project)
        expired = look([], splits, self.retention(state), self.clock()).expired
        return self._remove(expired)

    def retention(self, state: IndexState) -> timedelta:
        """Returns how long the project's lines are found."""
        return min(state.retention or self.longest, self.longest)

    def _look(self, organization: str, project: str, over: Deadline, *, all_fresh: bool = False) -> IndexingResult:
        done = IndexingResult()
        for _ in range(_ATTEMPTS):
            try:
                self._work(self.catalogue.get_state(organization, project), over, done, all_fresh)
            except Conflict:
                # Another process builds here too, and may not have seen the segments that woke this one.
                continue
            return done
        raise Transient(f"The index of {organization}/{project} is being written by others.")

    def _work(self, state: IndexState, over: Deadline, done: IndexingResult, all_fresh: bool) -> None:
        while True:
            fresh, splits = self._read(state)
            decided = look(fresh, splits, self.retention(state), self.clock())
            before = replace(done)
            if decided.build or all_fresh:
                for bucket in dict.fromkeys(segment.bucket for segment in fresh):
                    for batch in batches(segment for segment in fresh if segment.bucket == bucket):
                        remaining = batch
                        while remaining:
                            state, remaining = self._build(state, remaining, done)
            if not over():
                self._remove_and_merge(decided, over, done)
            if done == before:
                self.catalogue.note_look(state, decided.next_at)
                return

    def _read(self, state: IndexState) -> tuple[Sequence[Segment], Sequence[Split]]:
        """Returns fresh segments and splits; segments that a split covers already, or that are too old, are forgotten.

        They are read in this order: a segment that is covered in between is in both, and never in none.
        """
        listed = self.catalogue.list_fresh(state.organization, state.project)
        splits = self.catalogue.list_splits(state.organization, state.project)
        earliest = self.clock() - self.retention(state)
        fresh: list[Segment] = []
        forgotten: list[Segment] = []
        for segment in listed:
            if self.only_elsewhere and segment.bucket is None:
                continue
            too_old = datetime.fromisoformat(segment.last_time) <= earliest
            (forgotten if too_old or is_covered(segment, splits) else fresh).append(segment)
        if forgotten:
            self.catalogue.forget_fresh(forgotten)
        return fresh, splits

    def _build(
        self, state: IndexState, batch: Sequence[Segment], done: IndexingResult
    ) -> tuple[IndexState, Sequence[Segment]]:
        """Builds one split and returns the segments of `batch` that it had no room for; unreadable ones are set aside.

        Raises Conflict if another process built a split meanwhile.
        """
        readable: list[Segment] = []
        with self.splits.build(state.organization, state.project) as building:
            read = 0
            while read < len(batch) and building.text_bytes < FULL_BYTES:
                segment = batch[read]
                read += 1
                try:
                    building.add(segment, read_segment(self.segments, segment))
                except (InvalidRequest, NotFound) as error:
                    self._skip(segment, error.message, done)
                else:
                    readable.append(segment)
            if readable:
                state = self._add(state, building.finish(), covering(readable), readable[0].bucket)
                self.catalogue.forget_fresh(readable)
                done.lines += sum(segment.lines for segment in readable)
                done.built += 1
        return state, batch[read:]

    def _skip(self, segment: Segment, cause: str, done: IndexingResult) -> None:
        _log.error(
            "a log segment cannot be indexed and was set aside",
            extra={"run_id": segment.run_id, "segment": segment.number, "cause": cause},
        )
        self.catalogue.skip_segment(segment, cause, self.clock())
        done.dead_letters += 1

    def _add(self, state: IndexState, built: BuiltSplit, covered: Covered, bucket: str | None) -> IndexState:
        split = self._put(state, built, covered, bucket)
        try:
            return self.catalogue.add_split(state, split)
        except Conflict:
            self.splits.remove([split.key])
            raise

    def _put(self, state: IndexState, built: BuiltSplit, covered: Covered, bucket: str | None) -> Split:
        now = self.clock()
        split_id = self.new_id(now)
        key = split_key(state.organization, state.project, split_id, bucket)
        self.splits.put(built, key)
        return Split(
            organization=state.organization,
            project=state.project,
            split_id=split_id,
            key=key,
            built_at=now,
            facts=built.facts,
            covered=covered,
        )

    def _remove_and_merge(self, decided: Look, over: Deadline, done: IndexingResult) -> None:
        done.removed += self._remove(decided.expired)
        for group in decided.merges:
            if not over() and self._merge(group):
                done.merged += len(group)

    def _remove(self, expired: Sequence[Split]) -> int:
        removed = 0
        for start in range(0, len(expired), _REMOVED_AT_ONCE):
            gone = expired[start : start + _REMOVED_AT_ONCE]
            if self._replaced(gone, None):
                removed += len(gone)
        return removed

    def _merge(self, group: Sequence[Split]) -> bool:
        """Merges splits; returns True if this process did it, and not another one."""
        results = [self.splits.open(split) for split in group]
        opened = [split for split in results if split is not None]
        if len(opened) < len(group):
            keys = [split.key for split in group]
            _log.error("splits that are to be merged are not in the bucket", extra={"keys": keys})
            return False
        first = group[0]
        state = IndexState(
            organization=first.organization, project=first.project, version=0, due_at=None, retention=None
        )
        covered = self._still_covered(group)
        with self.splits.merge(first.organization, first.project, opened) as built:
            return self._replaced(group, self._put(state, built, covered, first.bucket))

    def _still_covered(self, group: Sequence[Split]) -> Covered:
        """Returns the segments that the splits cover; none once no process can take one of them for a fresh one."""
        newest = max(split.built_at for split in group)
        if newest + _SURELY_FORGOTTEN > self.clock():
            return merged_covering(split.covered for split in group)
        listed = self.catalogue.list_fresh(group[0].organization, group[0].project)
        if any(is_covered(segment, group) for segment in listed):
            return merged_covering(split.covered for split in group)
        return {}

    def _replaced(self, old: Sequence[Split], new: Split | None) -> bool:
        try:
            self.catalogue.replace(old, new)
        except Conflict:
            if new is not None:
                self.splits.remove([new.key])
            return False
        self.splits.remove([split.key for split in old])
        return True


def read_segment(segments: LogSegments, segment: Segment) -> Sequence[Line]:
    """Returns all lines of a segment. Raises InvalidRequest if its object does not hold them."""
    lines = segments.read(segment.key)
    if len(lines) != segment.lines:
        raise InvalidRequest(f"Its object holds {len(lines)} lines, its manifest says {segment.lines}.")
    return lines
