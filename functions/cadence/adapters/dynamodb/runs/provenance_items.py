"""Items of the `runs` table that lead from one run to another, and from a digest to the values that have it."""

import hashlib
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.application.provenance.ports import FollowingRun, ValueArrival, ValueOrigin
from cadence.domain.runs.run import Run, Value

SHARDS = 8
"""A large run may send the same small value thousands of times a second, which is more than one partition accepts."""


class DigestItem(RunsTable):
    """One value of one run; runs sort by their time."""

    class Meta:
        table_name: ClassVar[str] = "runs"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    port = UnicodeAttribute()
    size = NumberAttribute()
    made_at = UTCDateTimeAttribute(null=True)
    kept_from = UnicodeAttribute(null=True)

    @staticmethod
    def sort_key(run_id: str, treatment: str, port: str) -> str:
        return f"{run_id}#{treatment}#{port}"

    @staticmethod
    def partition(organization: str, project: str, sha256: str, shard: int) -> str:
        return f"DIGEST#{organization}#{project}#{sha256}#{shard}"

    @classmethod
    def of(cls, organization: str, project: str, value: Value) -> "DigestItem":
        sk = cls.sort_key(value.run_id, value.treatment, value.port)
        shard = hashlib.sha256(sk.encode()).digest()[0] % SHARDS
        return cls(
            cls.partition(organization, project, value.sha256, shard),
            sk,
            run_id=value.run_id,
            treatment=value.treatment,
            port=value.port,
            size=value.size,
            made_at=value.created_at,
            kept_from=value.kept_from,
        )

    def place(self) -> ValueOrigin:
        return ValueOrigin(
            run_id=self.run_id,
            treatment=self.treatment,
            port=self.port,
            size=int(self.size),
            made_at=self.made_at,
            kept_from=self.kept_from,
        )


class PassedItem(RunsTable):
    """A value that arrived in another run, listed where it was sent."""

    class Meta:
        table_name: ClassVar[str] = "runs"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    port = UnicodeAttribute()

    @staticmethod
    def prefix(treatment: str, port: str) -> str:
        return f"PASSED#{treatment}.{port}#"

    @classmethod
    def of(cls, value: Value) -> "list[PassedItem]":
        """Returns None for a value that was sent where it is."""
        origin = value.origin
        if origin is None or origin.run_id == value.run_id:
            return []
        arrived = ValueArrival(value.run_id, value.treatment, value.port)
        sk = cls.prefix(origin.treatment, origin.port) + arrived.position
        return [cls(partition(origin.run_id), sk, run_id=value.run_id, treatment=value.treatment, port=value.port)]

    def passed(self) -> ValueArrival:
        return ValueArrival(self.run_id, self.treatment, self.port)


class NextRunItem(RunsTable):
    """A run that originates in another one, listed at the other one."""

    class Meta:
        table_name: ClassVar[str] = "runs"

    PREFIX: ClassVar[str] = "NEXT#"

    run_id = UnicodeAttribute()
    how = UnicodeAttribute()
    treatment = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, run: Run) -> "list[NextRunItem]":
        """Returns the item, which is written with the run itself, so that no run is missing at its origin."""
        return [
            cls(
                partition(origin),
                f"{cls.PREFIX}{run.run_id}",
                run_id=run.run_id,
                how=how,
                treatment=treatment,
            )
            for how, origin, treatment in run.origins
        ]

    def following(self) -> FollowingRun:
        return FollowingRun(self.run_id, self.how, self.treatment)
