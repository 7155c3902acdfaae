"""`RunStore`, `TreatmentStore`, `EdgeStore` and `ValueStore` on the `runs` table."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runs.edge_items import EdgeItem, ValueItem
from cadence.adapters.dynamodb.runs.edge_records import EdgeRecords
from cadence.adapters.dynamodb.runs.group_items import PlacesItem
from cadence.adapters.dynamodb.runs.provenance_items import DigestItem, NextRunItem, PassedItem
from cadence.adapters.dynamodb.runs.run_items import (
    CountItem,
    RunItem,
    RunsTable,
    SpecItem,
    TreatmentItem,
    partition,
    run_key,
    scope,
)
from cadence.adapters.dynamodb.runs.task_tokens import TaskTokenItem
from cadence.adapters.dynamodb.runs.treatment_records import StandingItem, TreatmentRecords
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Edge
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.group import InstanceSlots
from cadence.domain.shared.errors import Conflict, NotFound

_UNFINISHED_RUNS = (RunState.PENDING, RunState.RUNNING, RunState.CANCELLING)
_ITEMS_PER_TRANSACTION = 100
_ITEMS: tuple[type[RunsTable], ...] = (
    RunsTable,
    RunItem,
    CountItem,
    SpecItem,
    TreatmentItem,
    EdgeItem,
    ValueItem,
    PlacesItem,
    StandingItem,
    TaskTokenItem,
    DigestItem,
    NextRunItem,
    PassedItem,
)


class DynamoRunStore(TreatmentRecords, EdgeRecords):
    def __init__(self, table_name: str) -> None:
        for model in _ITEMS:
            bind(model, table_name)
        self._connection = transaction_connection()
        self._project_of = lru_cache(maxsize=1024)(self._read_project)

    # runs

    def create_run(self, run: Run) -> None:
        followed = NextRunItem.of(run)
        if not followed:
            with translated(f"run {run.run_id}"):
                RunItem.of(run).save(RunItem.pk.does_not_exist())
            return

        def write() -> None:
            with translated(f"run {run.run_id}"), TransactWrite(connection=self._connection) as transaction:
                transaction.save(RunItem.of(run), condition=RunItem.pk.does_not_exist())
                for item in followed:
                    transaction.save(item)

        insisting(write)

    def get_run(self, run_id: str) -> Run:
        return self._run(run_id).run()

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        keys = [(partition(run_id), RunItem.SK) for run_id in sorted(set(run_ids))]
        with translated("runs"):
            return {item.its_id: item.run() for item in RunItem.batch_get(keys, consistent_read=True)}

    def list_runs(self, organization: str, project: str, limit: int, after: str | None) -> Page[Run]:
        items = RunItem.listing.query(
            scope(organization, project),
            RunItem.run_id < after if after else None,
            scan_index_forward=False,
            limit=limit + 1,
        )
        with translated("the list of runs"):
            runs = [item.run() for item in items]
        more = len(runs) > limit
        runs = runs[:limit]
        return Page(runs, runs[-1].position if more else None)

    def admit(
        self, run_id: str, specs: Sequence[TreatmentSpec], treatments: Sequence[Treatment], edges: Sequence[Edge]
    ) -> bool:
        with translated(f"run {run_id}"):
            # The count comes first: a treatment that is written can settle only after its run knows how many there are.
            with suppress(Conflict), translated(f"run {run_id}"):
                count = CountItem.key(run_id)
                count.unsettled = sum(not treatment.state.final for treatment in treatments)
                count.save(CountItem.pk.does_not_exist())
            with RunsTable.batch_write() as batch:
                for spec in specs:  # the same whenever they are written
                    batch.save(SpecItem.of(run_id, spec))
        # Never overwrites: an admission may be repeated, even by a second call, while treatments advance already.
        new: list[RunsTable] = [EdgeItem.of(edge) for edge in edges]
        new += [
            PlacesItem.of(run_id, spec.name, InstanceSlots(spec.parallel))
            for spec in specs
            if spec.kind is TreatmentKind.GATHER and spec.parallel
        ]
        new += [TreatmentItem.of(treatment) for treatment in treatments]
        found = 0
        for start in range(0, len(new), _ITEMS_PER_TRANSACTION):
            found += self._create_missing(run_id, new[start : start + _ITEMS_PER_TRANSACTION])
        return found == 0

    def count_unsettled(self, run_id: str) -> int | None:
        try:
            with translated(f"run {run_id}"):
                return int(CountItem.get(partition(run_id), CountItem.SK, consistent_read=True).unsettled)
        except CountItem.DoesNotExist:
            return None

    def begin_run(self, run_id: str, machine_token: str, at: datetime) -> Run:
        token = RunItem.machine_token.set(machine_token)
        began: list[Action] = [
            token,
            RunItem.state.set(str(RunState.RUNNING)),
            RunItem.started_at.set(at),
            RunItem.waiting_for.remove(),
        ]
        item = run_key(run_id)
        with suppress(Conflict), translated(f"run {run_id}"):  # it has begun, is cancelled, or does not exist
            item.update(began, condition=RunItem.state == str(RunState.PENDING))
            return item.run()
        item = self._run(run_id)
        with translated(f"run {run_id}"):
            item.update([token], condition=RunItem.pk.exists())
        return item.run()

    def keep_waiting_token(self, run_id: str, token: str) -> Run:
        item = run_key(run_id)
        with translated(f"run {run_id}"):
            item.update([RunItem.waiting_token.set(token)], condition=RunItem.pk.exists())
        return item.run()

    def note_waiting(self, run_id: str, what: str, state: RunState = RunState.PENDING) -> Run:
        item = run_key(run_id)
        with translated(f"run {run_id}"):
            item.update([RunItem.waiting_for.set(what)], condition=RunItem.state == str(state))
        return item.run()

    def freeze_plan(self, run_id: str, seen: str, plan_sha256: str) -> Run:
        item = run_key(run_id)
        try:
            with translated(f"run {run_id}"):
                item.update(
                    [RunItem.plan_sha256.set(plan_sha256), RunItem.waiting_for.remove()],
                    condition=RunItem.plan_sha256 == seen,
                )
        except Conflict:
            return self.get_run(run_id)
        return item.run()

    def keep_stop_token(self, run_id: str, stop_token: str) -> Run:
        item = run_key(run_id)
        with translated(f"run {run_id}"):
            item.update([RunItem.stop_token.set(stop_token)], condition=RunItem.pk.exists())
        return item.run()

    def request_stop(self, run_id: str, state: RunState, cause: str) -> Run:
        item = run_key(run_id)
        unfinished = RunItem.state.is_in(*map(str, _UNFINISHED_RUNS))
        try:
            with translated(f"run {run_id}"):
                item.update(
                    [
                        RunItem.state.set(str(RunState.CANCELLING)),
                        RunItem.stop_requested.set(str(state)),
                        RunItem.cause.set(cause),
                    ],
                    condition=unfinished & RunItem.stop_requested.does_not_exist(),
                )
        except Conflict:
            run = self.get_run(run_id)
            if run.stop_requested and not run.state.final:
                return run
            raise Conflict(f"run {run_id} has already ended ({run.state})") from None
        return item.run()

    def finish_run(self, seen: Run, state: RunState, cause: str | None, at: datetime, *, soft_failures: int = 0) -> Run:
        item = run_key(seen.run_id)
        actions: list[Action] = [
            RunItem.state.set(str(state)),
            RunItem.finished_at.set(at),
            RunItem.machine_token.remove(),
            RunItem.stop_token.remove(),
            RunItem.waiting_for.remove(),
        ]
        if cause:
            actions.append(RunItem.cause.set(cause))
        if soft_failures:
            actions.append(RunItem.soft_failures.set(soft_failures))
        unfinished = RunItem.state.is_in(*map(str, _UNFINISHED_RUNS))
        as_seen = (
            RunItem.stop_requested == str(seen.stop_requested)
            if seen.stop_requested
            else RunItem.stop_requested.does_not_exist()
        )
        try:
            with translated(f"run {seen.run_id}"):
                item.update(actions, condition=unfinished & as_seen)
        except Conflict:
            run = self.get_run(seen.run_id)
            if not run.state.final:
                raise
            return run
        return item.run()

    # values

    def put_values(self, values: Sequence[Value]) -> None:
        owners = {run_id: self._project_of(run_id) for run_id in {value.run_id for value in values}}
        with translated("values"), RunsTable.batch_write() as batch:
            for value in values:
                batch.save(ValueItem.of(value))
                for passed in PassedItem.of(value):
                    batch.save(passed)
                if value.size and value.digest:
                    batch.save(DigestItem.of(*owners[value.run_id], value))

    def get_value(self, run_id: str, treatment: str, port: str) -> Value:
        try:
            with translated(f"value {treatment}.{port}"):
                return ValueItem.get(*ValueItem.key(run_id, treatment, port), consistent_read=True).value()
        except ValueItem.DoesNotExist:
            raise NotFound(f"{treatment}.{port} has no value in run {run_id}") from None

    def get_values(self, run_id: str, ports: Sequence[tuple[str, str]]) -> Sequence[Value]:
        keys = [ValueItem.key(run_id, treatment, port) for treatment, port in ports]
        with translated(f"run {run_id}"):
            items = ValueItem.batch_get(keys, consistent_read=True)
            values = {(item.treatment, item.port): item.value() for item in items}
        return [values[port] for port in ports if port in values]

    def list_values(self, run_id: str) -> Sequence[Value]:
        with translated(f"run {run_id}"):
            return [
                item.value()
                for item in ValueItem.query(
                    partition(run_id), ValueItem.sk.startswith(ValueItem.PREFIX), consistent_read=True
                )
            ]

    # below

    def _run(self, run_id: str) -> RunItem:
        try:
            with translated(f"run {run_id}"):
                return RunItem.get(partition(run_id), RunItem.SK, consistent_read=True)
        except RunItem.DoesNotExist:
            raise NotFound(f"there is no run {run_id}") from None

    def _read_project(self, run_id: str) -> tuple[str, str]:
        run = self._run(run_id)
        return run.organization, run.project

    def _create_missing(self, run_id: str, items: Sequence[RunsTable]) -> int:
        """Returns how many of them existed."""
        every = len(items)

        def write() -> None:
            with translated(f"run {run_id}"), TransactWrite(connection=self._connection) as transaction:
                for item in items:
                    transaction.save(item, condition=type(item).pk.does_not_exist())

        while items:
            try:
                insisting(write)
            except Conflict:
                present = self._present(run_id, items)
                items = [item for item in items if item.sk not in present]
            else:
                break
        return every - len(items)

    @staticmethod
    def _present(run_id: str, items: Sequence[RunsTable]) -> set[str]:
        keys = [(item.pk, item.sk) for item in items]
        with translated(f"run {run_id}"):
            return {
                stored_item.sk
                for stored_item in RunsTable.batch_get(keys, consistent_read=True, attributes_to_get=["pk", "sk"])
            }
