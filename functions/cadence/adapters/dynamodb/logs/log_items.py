"""Items of the `logs` table: a log's head and segments, segments that no split covers yet, and watermarks."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from cadence.adapters.dynamodb.logs.arrivals import LaneItem
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.domain.logs.log import Gap, Segment, Watermark
from cadence.domain.shared.retention import KEPT
from cadence.domain.shared.rfc3339 import milliseconds


class HeadItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "HEAD"

    next_segment = NumberAttribute()
    # A log that an earlier version began does not count its lines.
    lines = NumberAttribute(null=True)

    @classmethod
    def key(cls, run_id: str) -> tuple[str, str]:
        return partition_of(run_id), cls.SK


class SegmentItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "SEGMENT#"

    # Segments that an earlier version wrote have no names.
    organization = UnicodeAttribute(null=True)
    project = UnicodeAttribute(null=True)
    pipeline = UnicodeAttribute(null=True)
    key = UnicodeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    treatments = JSONAttribute()
    levels = JSONAttribute()
    written_at = UnicodeAttribute(null=True)
    lines_before = NumberAttribute(null=True)

    @classmethod
    def sort_key(cls, number: int) -> str:
        return f"{cls.PREFIX}{number:012}"

    @classmethod
    def of(cls, segment: Segment) -> "SegmentItem":
        return cls(
            partition_of(segment.run_id),
            cls.sort_key(segment.number),
            organization=segment.organization,
            project=segment.project,
            pipeline=segment.pipeline,
            key=segment.key,
            first_time=segment.first_time,
            last_time=segment.last_time,
            lines=segment.lines,
            treatments=list(segment.treatments),
            levels=list(segment.levels),
            written_at=milliseconds(datetime.now(UTC)),
            lines_before=segment.lines_before,
        )

    def segment(self) -> Segment:
        return Segment(
            organization=self.organization or "",
            project=self.project or "",
            pipeline=self.pipeline or "",
            run_id=self.pk.removeprefix("RUN#"),
            number=int(self.sk.removeprefix(self.PREFIX)),
            key=self.key,
            first_time=self.first_time,
            last_time=self.last_time,
            lines=int(self.lines),
            treatments=tuple(self.treatments),
            levels=tuple(self.levels),
            written_at=self.written_at,
            lines_before=int(self.lines_before or 0),
        )


class FreshItem(LogsTable):
    """A segment that no split covers yet, with its whole manifest."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    run_id = UnicodeAttribute()
    number = NumberAttribute()
    key = UnicodeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    treatments = JSONAttribute()
    levels = JSONAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    pipeline = UnicodeAttribute()

    PARTITION: ClassVar[str] = "FRESH#"

    @classmethod
    def partition(cls, organization: str, project: str) -> str:
        return f"{cls.PARTITION}{organization}#{project}"

    @classmethod
    def is_partition(cls, key: str) -> bool:
        return key.startswith(cls.PARTITION)

    @classmethod
    def project_of(cls, partition: str) -> tuple[str, str]:
        """Returns organization and project."""
        organization, _, project = partition.removeprefix(cls.PARTITION).partition("#")
        return organization, project

    @classmethod
    def sort_key(cls, segment: Segment) -> str:
        return f"{segment.run_id}#{segment.number:012}"

    @classmethod
    def item_key(cls, segment: Segment) -> tuple[str, str]:
        return cls.partition(segment.organization, segment.project), cls.sort_key(segment)

    @classmethod
    def of(cls, segment: Segment) -> Self:
        described = {name: getattr(segment, name) for name in cls._ATTRIBUTES}
        described |= {"treatments": list(segment.treatments), "levels": list(segment.levels)}
        return cls(*cls.item_key(segment), expires_at=datetime.now(UTC) + KEPT, **described)

    def segment(self) -> Segment:
        described = {name: getattr(self, name) for name in self._ATTRIBUTES}
        described |= {"number": int(self.number), "lines": int(self.lines)}
        return Segment(**described | {"treatments": tuple(self.treatments), "levels": tuple(self.levels)})

    _ATTRIBUTES: ClassVar[tuple[str, ...]] = (
        "run_id",
        "number",
        "key",
        "first_time",
        "last_time",
        "lines",
        "organization",
        "project",
        "pipeline",
    )


class WatermarkItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "WATERMARK"

    through = NumberAttribute()
    gaps = JSONAttribute()
    size = NumberAttribute(null=True)
    full = UnicodeAttribute(null=True)
    left_out = NumberAttribute(null=True)

    @classmethod
    def item_key(cls, runner_id: str) -> tuple[str, str]:
        return f"RUNNER#{runner_id}", cls.SK

    @classmethod
    def of(cls, watermark: Watermark) -> "WatermarkItem":
        gaps = [[gap.first, gap.last] for gap in watermark.gaps]
        return cls(
            *cls.item_key(watermark.runner_id),
            through=watermark.through,
            gaps=gaps,
            size=watermark.size or None,
            full=watermark.full,
            left_out=watermark.left_out or None,
        )

    def watermark(self) -> Watermark:
        gaps = tuple(Gap(first, last) for first, last in self.gaps)
        return Watermark(
            self.pk.removeprefix("RUNNER#"),
            int(self.through),
            gaps,
            int(self.size or 0),
            self.full,
            int(self.left_out or 0),
        )


class PositionItem(LogsTable):
    """Reads a log's head, a lane and watermarks at once: the key decides which one an item is."""

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        kinds = {kind.SK: kind for kind in (HeadItem, WatermarkItem, LaneItem)}
        return kinds[data["sk"]["S"]].from_raw_data(data)


def partition_of(run_id: str) -> str:
    return f"RUN#{run_id}"
