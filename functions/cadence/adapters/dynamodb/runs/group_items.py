"""Items of the `runs` table that groups of treatments have."""

from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.domain.scheduling.group import EachProgress, InstanceSlots


class GrowthItem(RunsTable):
    PREFIX: ClassVar[str] = "GROWTH#"

    version = NumberAttribute()
    growth = JSONAttribute()

    @classmethod
    def key(cls, run_id: str, group: str) -> tuple[str, str]:
        return partition(run_id), cls.PREFIX + group

    def read(self) -> EachProgress:
        return EachProgress(**self.growth)


class PlacesItem(RunsTable):
    PREFIX: ClassVar[str] = "PLACES#"

    version = NumberAttribute()
    limit = NumberAttribute()
    under_way = JSONAttribute()
    waiting = JSONAttribute()

    @classmethod
    def key(cls, run_id: str, group: str) -> tuple[str, str]:
        return partition(run_id), cls.PREFIX + group

    @classmethod
    def of(cls, run_id: str, group: str, places: InstanceSlots) -> "PlacesItem":
        return cls(
            *cls.key(run_id, group),
            version=places.version,
            limit=places.limit,
            under_way=list(places.under_way),
            waiting=list(places.waiting),
        )

    def places(self) -> InstanceSlots:
        return InstanceSlots(int(self.limit), tuple(self.under_way), tuple(self.waiting), int(self.version))
