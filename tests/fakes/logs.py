"""Logs without a cloud: manifests, arrivals, segments and who follows, in memory."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.logs.ports import Line, LogHead
from cadence.application.search.live_ports import LANES, Arrival
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.shared.errors import Conflict, Gone
from cadence.domain.shared.ids import in_bucket


def lane_of(run_id: str) -> int:
    return sum(run_id.encode()) % LANES


@dataclass
class FakeLogIndex:
    """`LogIndex` and `Arrivals`. The next `refuse` appends meet somebody who was first."""

    runs: dict[str, list[Segment]] = field(default_factory=lambda: defaultdict(list))
    watermarks: dict[str, Watermark] = field(default_factory=dict)
    arrived: dict[tuple[str, int], list[Segment]] = field(default_factory=lambda: defaultdict(list))
    forgotten: int = 0
    refuse: int = 0

    @property
    def segments(self) -> list[Segment]:
        return [segment for segments in self.runs.values() for segment in segments]

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead:
        known = {name: self.watermarks[name] for name in runner_ids if name in self.watermarks}
        lines = sum(segment.lines for segment in self.runs[run_id])
        return LogHead(len(self.runs[run_id]), known, len(self.arrived[organization, lane_of(run_id)]), lines)

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        if self.refuse:
            self.refuse -= 1
            raise Conflict("somebody else was first")
        assert head.next_segment == len(self.runs[segment.run_id]) == segment.number
        lane = self.arrived[segment.organization, lane_of(segment.run_id)]
        assert head.next_arrival == len(lane)
        for watermark in watermarks:
            assert self.watermarks.get(watermark.runner_id) == head.watermarks.get(watermark.runner_id)
            self.watermarks[watermark.runner_id] = watermark
        self.runs[segment.run_id].append(segment)
        lane.append(segment)

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        newest = self.runs.get(run_id, [])[::-1]
        return [one for one in newest if before is None or one.number < before][:limit]

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        return self.runs[run_id][from_number : from_number + limit]

    def next_numbers(self, organization: str) -> Sequence[int]:
        return [len(self.arrived[organization, lane]) for lane in range(LANES)]

    def list_arrivals(self, organization: str, lane: int, from_number: int, limit: int) -> Sequence[Arrival]:
        there = self.arrived[organization, lane]
        if from_number < min(self.forgotten, len(there)):
            raise Gone("no longer kept")
        return [Arrival(number, there[number]) for number in range(from_number, len(there))][:limit]


@dataclass
class FakeLogSegments:
    objects: dict[str, Sequence[Line]] = field(default_factory=dict)
    read_keys: list[str] = field(default_factory=list)

    def write(self, run_id: str, number: int, lines: Sequence[Line], bucket: str | None = None) -> str:
        key = in_bucket(bucket, f"{run_id}/{number}/{hash(str(lines))}")
        self.objects[key] = lines
        return key

    def read(self, key: str) -> Sequence[Line]:
        self.read_keys.append(key)
        return self.objects[key]


class FakeFollowers:
    def __init__(self) -> None:
        self.followed: list[str] = []

    def follow(self, run_id: str, until: datetime) -> None:
        self.followed.append(run_id)
