"""`ValueRetentionStore` on the `runs` table; its digests are in `runners`."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.runners.runner_items import ChunksItem, OutputItem, runner_partition
from cadence.adapters.dynamodb.runs.edge_items import ValueItem
from cadence.adapters.dynamodb.runs.run_items import RunItem, RunsTable, partition, run_key
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.value_ports import AttemptRetention, ValueRetentionStore
from cadence.domain.shared import ids
from cadence.domain.values import value_retention as retentions
from cadence.domain.values.value_retention import ValueRetention


class ValueRetentionItem(RunsTable):
    """The retention of all values that one attempt of a treatment sends, where it is not the usual one."""

    PREFIX: ClassVar[str] = "RETENTION#"

    treatment = UnicodeAttribute()
    attempt = NumberAttribute()
    retention: JSONAttribute = JSONAttribute()

    def kept(self) -> AttemptRetention:
        return AttemptRetention(self.treatment, int(self.attempt), ValueRetention.from_json(self.retention))


class DynamoValueRetentionStore(ValueRetentionStore):
    """Without `runners_table` it can only note and list."""

    def __init__(self, runs_table: str, runners_table: str | None = None) -> None:
        for model in (ValueRetentionItem, RunItem, ValueItem):
            bind(model, runs_table)
        for item in (OutputItem, ChunksItem):
            if runners_table:
                bind(item, runners_table)
        self._connection = transaction_connection()

    def note(self, run_id: str, treatment: str, attempt: int, retention: ValueRetention) -> None:
        item = ValueRetentionItem(
            partition(run_id),
            f"{ValueRetentionItem.PREFIX}{treatment}#{attempt}",
            treatment=treatment,
            attempt=attempt,
            retention=retentions.plain(retention),
        )
        with translated(f"run {run_id}"), TransactWrite(connection=self._connection) as transaction:
            transaction.save(item)
            transaction.update(
                run_key(run_id), [RunItem.keeps_values_elsewhere.set(True)], condition=RunItem.pk.exists()
            )

    def list(self, run_id: str, treatments: Iterable[str] | None = None) -> Sequence[AttemptRetention]:
        prefixes = (
            [ValueRetentionItem.PREFIX]
            if treatments is None
            else [f"{ValueRetentionItem.PREFIX}{t}#" for t in treatments]
        )
        retentions: list[AttemptRetention] = []
        with translated(f"run {run_id}"):
            for prefix in prefixes:
                items = ValueRetentionItem.query(
                    partition(run_id), ValueRetentionItem.sk.startswith(prefix), consistent_read=True
                )
                retentions += (item.kept() for item in items)
        return retentions

    def forget_digests(self, run_id: str, treatment: str, attempt: int) -> None:
        with translated(f"values of {treatment} in run {run_id}"):
            of_treatment = ValueItem.sk.startswith(f"{ValueItem.PREFIX}{treatment}#")
            for value in ValueItem.query(
                partition(run_id), of_treatment, filter_condition=ValueItem.attempt == attempt
            ):
                value.update([ValueItem.sha256.set("")])
            runner = runner_partition(ids.runner_id(run_id, treatment, attempt))
            ended = OutputItem.sha256.exists()
            outputs = OutputItem.query(runner, OutputItem.sk.startswith(OutputItem.PREFIX), filter_condition=ended)
            for output in outputs:
                output.update([OutputItem.sha256.set("")])
            for chunks in ChunksItem.query(runner, ChunksItem.sk.startswith(ChunksItem.PREFIX)):
                chunks.delete()
