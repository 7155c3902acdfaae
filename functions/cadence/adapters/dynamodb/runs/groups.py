"""`GroupStore` on the `runs` table."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runs.edge_items import EdgeItem
from cadence.adapters.dynamodb.runs.group_items import GrowthItem, PlacesItem
from cadence.adapters.dynamodb.runs.run_items import (
    CountItem,
    RunItem,
    RunsTable,
    SpecItem,
    TreatmentItem,
    partition,
    treatment_key,
)
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import Edge, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.group import EachProgress, InstanceSlots
from cadence.domain.shared.errors import NotFound

_ITEMS: tuple[type[RunsTable], ...] = (RunItem, CountItem, SpecItem, TreatmentItem, EdgeItem, GrowthItem, PlacesItem)


class DynamoGroupStore:
    def __init__(self, table_name: str) -> None:
        for model in _ITEMS:
            bind(model, table_name)
        self._connection = transaction_connection()

    def get_growth(self, run_id: str, group: str) -> EachProgress:
        try:
            with translated(f"group {group}"):
                return GrowthItem.get(*GrowthItem.key(run_id, group), consistent_read=True).read()
        except GrowthItem.DoesNotExist:
            return EachProgress(run_id=run_id, group=group)

    def save_growth(self, seen: EachProgress, after: EachProgress) -> EachProgress:
        after = dataclasses.replace(after, version=seen.version + 1)
        with translated(f"group {seen.group}"):
            _growth_item(after).save(_unchanged(seen))
        return after

    def add_instances(
        self, seen: EachProgress, after: EachProgress, specs: Sequence[TreatmentSpec], at: datetime
    ) -> None:
        run_id, group, count = seen.run_id, seen.group, len(specs)
        after = dataclasses.replace(after, version=seen.version + 1)
        history = (StateChange(at, 1, TreatmentState.READY),)

        def write() -> None:
            with translated(f"group {group}"), TransactWrite(connection=self._connection) as transaction:
                transaction.save(_growth_item(after), condition=_unchanged(seen))
                transaction.condition_check(
                    RunItem,
                    partition(run_id),
                    RunItem.SK,
                    condition=RunItem.pk.exists() & RunItem.stop_requested.does_not_exist(),
                )
                transaction.update(CountItem.key(run_id), [CountItem.unsettled.add(count)])
                transaction.update(
                    treatment_key(run_id, group),
                    [TreatmentItem.waiting.add(count)],
                    condition=TreatmentItem.state == str(TreatmentState.RUNNING),
                )
                for spec in specs:
                    instance = Treatment(
                        run_id=run_id,
                        name=spec.name,
                        state=TreatmentState.READY,
                        waiting=0,
                        ready_at=at,
                        history=history,
                    )
                    transaction.save(SpecItem.of(run_id, spec))
                    transaction.save(TreatmentItem.of(instance), condition=TreatmentItem.pk.does_not_exist())
                    transaction.save(
                        EdgeItem.of(Edge(run_id=run_id, producer=spec.name, consumer=group, trigger=Trigger.SETTLED))
                    )

        insisting(write)

    def get_places(self, run_id: str, group: str) -> InstanceSlots:
        try:
            with translated(f"group {group}"):
                return PlacesItem.get(*PlacesItem.key(run_id, group), consistent_read=True).places()
        except PlacesItem.DoesNotExist:
            raise NotFound(f"group {group} of run {run_id} has no places") from None

    def save_places(self, run_id: str, group: str, seen: InstanceSlots, after: InstanceSlots) -> None:
        changed = dataclasses.replace(after, version=seen.version + 1)
        with translated(f"group {group}"):
            PlacesItem.of(run_id, group, changed).save(PlacesItem.version == seen.version)


def _growth_item(growth: EachProgress) -> GrowthItem:
    return GrowthItem(
        *GrowthItem.key(growth.run_id, growth.group), version=growth.version, growth=dataclasses.asdict(growth)
    )


def _unchanged(seen: EachProgress) -> Condition:
    if seen.version == 0:
        nothing_yet: Condition = GrowthItem.pk.does_not_exist()
        return nothing_yet
    return GrowthItem.version == seen.version
