"""The ports of the search index, in memory, and a way to let any call of them fail."""

import io
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cadence.adapters.tantivy.building import BuildingOfSplit, merge_splits
from cadence.adapters.tantivy.conditions import may_have
from cadence.adapters.tantivy.layout import read_head
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.logs.ports import Line, LogHead
from cadence.application.search.split_ports import BuiltSplit, IndexState, OpenSplit, SkippedSegment, SplitBuilding
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.search.query import Query
from cadence.domain.search.split import Split
from cadence.domain.shared.errors import Conflict, InvalidRequest
from cadence.domain.shared.ids import in_bucket


def segment_id(segment: Segment) -> tuple[str, int]:
    return segment.run_id, segment.number


@dataclass
class MemoryCatalogue:
    states: dict[tuple[str, str], IndexState] = field(default_factory=dict)
    fresh: dict[tuple[str, int], Segment] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    dead_letter: dict[tuple[str, int], SkippedSegment] = field(default_factory=dict)

    def get_state(self, organization: str, project: str) -> IndexState:
        nothing = IndexState(organization=organization, project=project, version=0, due_at=None, retention=None)
        return self.states.get((organization, project), nothing)

    def list_fresh(self, organization: str, project: str) -> Sequence[Segment]:
        return [one for one in self.fresh.values() if (one.organization, one.project) == (organization, project)]

    def list_splits(self, organization: str, project: str) -> Sequence[Split]:
        return [one for one in self.splits.values() if (one.organization, one.project) == (organization, project)]

    def add_split(self, state: IndexState, split: Split) -> IndexState:
        self.note_look(state, split.built_at)
        self.splits[split.split_id] = split
        return self.get_state(state.organization, state.project)

    def note_look(self, state: IndexState, due_at: datetime | None) -> None:
        if self.get_state(state.organization, state.project) != state:
            raise Conflict("another version")
        self.states[state.organization, state.project] = replace(state, version=state.version + 1, due_at=due_at)

    def replace(self, old: Sequence[Split], new: Split | None) -> None:
        if any(split.split_id not in self.splits for split in old):
            raise Conflict("one is gone")
        for split in old:
            del self.splits[split.split_id]
        if new is not None:
            self.splits[new.split_id] = new

    def forget_fresh(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            self.fresh.pop(segment_id(segment), None)

    def skip_segment(self, segment: Segment, cause: str, at: datetime) -> None:
        if self.fresh.pop(segment_id(segment), None) is None:
            raise Conflict("it is not fresh")
        self.dead_letter[segment_id(segment)] = SkippedSegment(segment, cause, at)

    def list_skipped_segments(self, organization: str, project: str) -> Sequence[SkippedSegment]:
        return [one for one in self.dead_letter.values() if one.segment.project == project]

    def take_back(self, segment: Segment) -> None:
        if self.dead_letter.pop(segment_id(segment), None) is None:
            raise Conflict("it is not set aside")
        self.fresh[segment_id(segment)] = segment

    def discard(self, segment: Segment) -> None:
        self.dead_letter.pop(segment_id(segment), None)

    def put_retention(self, organization: str, project: str, retention: timedelta | None, at: datetime) -> None:
        state = self.get_state(organization, project)
        self.states[organization, project] = replace(state, version=state.version + 1, due_at=at, retention=retention)

    def list_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        return [name for name, state in self.states.items() if state.due_at is not None and state.due_at <= now]


@dataclass
class MemoryLogIndex:
    """Manifests and watermarks; a segment is fresh with the same transaction."""

    catalogue: MemoryCatalogue
    segments: dict[str, list[Segment]] = field(default_factory=dict)
    watermarks: dict[str, Watermark] = field(default_factory=dict)

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead:
        known = {name: self.watermarks[name] for name in runner_ids if name in self.watermarks}
        return LogHead(len(self.segments.get(run_id, ())), known)

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        its = self.segments.setdefault(segment.run_id, [])
        if head.next_segment != len(its):
            raise Conflict("another number is next")
        its.append(segment)
        self.catalogue.fresh[segment_id(segment)] = segment
        self.watermarks |= {watermark.runner_id: watermark for watermark in watermarks}

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        return self.segments.get(run_id, [])[from_number : from_number + limit]


@dataclass
class MemorySegments:
    """`broken` are keys of objects that cannot be read."""

    objects: dict[str, Sequence[Line]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def write(self, run_id: str, number: int, lines: Sequence[Line], bucket: str | None = None) -> str:
        key = in_bucket(bucket, f"{run_id}/{number}/{hash(str(lines))}")
        self.objects[key] = lines
        return key

    def read(self, key: str) -> Sequence[Line]:
        if key in self.broken:
            raise InvalidRequest("This is no segment.")
        return self.objects.get(key, ())


@dataclass
class MemorySplits:
    """Real splits, whose files are kept in `objects`. What is searched is brought to `folder`."""

    folder: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    brought: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._here = SplitFolder(self.folder, 1 << 30)
        self._opened: dict[str, OpenSplit] = {}

    def may_match(self, split: Split, query: Query) -> bool:
        if self._here.has(split.split_id) or split.key not in self.objects:
            return True
        _, words = read_head(io.BytesIO(self.objects[split.key][: split.facts.head_bytes]))
        return may_have(query.where, words)

    def open(self, split: Split) -> OpenSplit | None:
        if split.split_id not in self._opened:
            if split.key not in self.objects:
                return None
            if not self._here.has(split.split_id):
                self.brought.append(split.split_id)
                self._here.keep(split.split_id, io.BytesIO(self.objects[split.key]))
            opened = self._here.open(split.split_id)
            assert opened is not None
            self._opened[split.split_id] = opened
        return self._opened[split.split_id]

    @contextmanager
    def build(self, organization: str, project: str) -> Iterator[SplitBuilding]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield BuildingOfSplit(Path(folder) / "split", organization, project)

    @contextmanager
    def merge(self, organization: str, project: str, splits: Sequence[Any]) -> Iterator[BuiltSplit]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            file = Path(folder) / "split"
            yield BuiltSplit(file, merge_splits(file, organization, project, [split.stored for split in splits]))

    def put(self, built: BuiltSplit, key: str) -> None:
        self.objects[key] = built.file.read_bytes()

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


class Crash(BaseException):
    """The process ends here: no code of its own may notice."""


@dataclass
class Faults:
    """How likely a call fails: before it has done anything, or after, when nobody learns that it has."""

    random: random.Random
    likelihood: float = 0.0
    error: type[BaseException] = Crash
    met: int = 0

    def perhaps(self) -> None:
        if self.random.random() < self.likelihood:
            self.met += 1
            raise self.error("on purpose")


class Faulty:
    """Any port, whose calls fail now and then."""

    def __init__(self, port: Any, faults: Faults) -> None:
        self._port, self._faults = port, faults

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)
        if not callable(call) or name in ("build", "merge"):
            return call

        def perhaps_failing(*arguments: Any) -> Any:
            self._faults.perhaps()
            answer = call(*arguments)
            self._faults.perhaps()
            return answer

        return perhaps_failing
