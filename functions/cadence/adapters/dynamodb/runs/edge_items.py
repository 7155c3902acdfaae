"""Items of the `runs` table that lie between treatments: edges and values."""

import dataclasses
from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.run import Origin, Value
from cadence.domain.values import value_retention


class EdgeItem(RunsTable):
    PREFIX: ClassVar[str] = "EDGE#"

    run_id = UnicodeAttribute()
    producer = UnicodeAttribute()
    consumer = UnicodeAttribute()
    trigger = UnicodeAttribute()
    state = UnicodeAttribute()

    @classmethod
    def key(cls, edge: Edge) -> tuple[str, str]:
        return partition(edge.run_id), f"{cls.PREFIX}{edge.producer}#{edge.consumer}#{edge.trigger}"

    @classmethod
    def of(cls, edge: Edge) -> "EdgeItem":
        return cls(
            *cls.key(edge),
            run_id=edge.run_id,
            producer=edge.producer,
            consumer=edge.consumer,
            trigger=str(edge.trigger),
            state=str(edge.state),
        )

    def edge(self) -> Edge:
        return Edge(
            run_id=self.run_id,
            producer=self.producer,
            consumer=self.consumer,
            trigger=Trigger(self.trigger),
            state=EdgeState(self.state),
        )


class ValueItem(RunsTable):
    PREFIX: ClassVar[str] = "VALUE#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    port = UnicodeAttribute()
    flow = UnicodeAttribute()
    type = UnicodeAttribute()
    sha256 = UnicodeAttribute()
    size = NumberAttribute()
    chunks = NumberAttribute()
    attempt = NumberAttribute()
    preview = BinaryAttribute(null=True, legacy_encoding=False)
    created_at = UTCDateTimeAttribute(null=True)
    kept_from = UnicodeAttribute(null=True)
    stored_prefix = UnicodeAttribute(null=True)
    origin = JSONAttribute(null=True)
    retention = JSONAttribute(null=True)

    @classmethod
    def key(cls, run_id: str, treatment: str, port: str) -> tuple[str, str]:
        return partition(run_id), f"{cls.PREFIX}{treatment}#{port}"

    @classmethod
    def of(cls, value: Value) -> "ValueItem":
        item = cls(*cls.key(value.run_id, value.treatment, value.port))
        for field in dataclasses.fields(value):
            stored = getattr(value, field.name)
            if stored is not None and stored != b"":
                setattr(item, field.name, dataclasses.asdict(stored) if isinstance(stored, Origin) else stored)
        item.retention = value_retention.plain(value.retention)
        return item

    def value(self) -> Value:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Value)}
        for name in ("size", "chunks", "attempt"):
            values[name] = int(values[name])
        values["preview"] = self.preview or b""
        values["retention"] = value_retention.stored(self.retention)
        values["origin"] = Origin(**self.origin) if self.origin else None
        return Value(**values)
