"""The part of `TreatmentStore` that reads and advances treatments, on the `runs` table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runs.edge_items import EdgeItem
from cadence.adapters.dynamodb.runs.edge_records import lower_counts, mark_delivered
from cadence.adapters.dynamodb.runs.run_items import (
    CountItem,
    RunItem,
    RunsTable,
    SpecItem,
    TreatmentItem,
    assignment,
    partition,
    treatment_key,
)
from cadence.adapters.dynamodb.runs.task_tokens import TaskTokenItem
from cadence.adapters.dynamodb.shared.binding import transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import TreatmentContext
from cadence.domain.melodium.model import ROOT
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import Edge, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment, is_element
from cadence.domain.runs.states import UNFINISHED_TREATMENT_STATES, TreatmentState
from cadence.domain.shared.errors import Conflict, NotFound


class TreatmentRecords:
    """Records of treatments. The subclass binds the models to the table."""

    def get_spec(self, run_id: str, treatment: str) -> TreatmentSpec:
        try:
            with translated(f"treatment {treatment}"):
                return SpecItem.get(
                    partition(run_id), SpecItem.PREFIX + treatment, consistent_read=True
                ).treatment_spec()
        except SpecItem.DoesNotExist:
            raise NotFound(f"run {run_id} has no treatment {treatment}") from None

    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        try:
            with translated(f"treatment {treatment}"):
                item = TreatmentItem.get(partition(run_id), TreatmentItem.key_of(treatment), consistent_read=True)
        except TreatmentItem.DoesNotExist:
            raise NotFound(f"run {run_id} has no treatment {treatment}") from None
        return item.treatment()

    def get_context(
        self, run_id: str, treatment: str, others: Collection[str] = (), task_token: str | None = None
    ) -> TreatmentContext:
        pk = partition(run_id)
        keys = (RunItem.SK, SpecItem.PREFIX + treatment, TreatmentItem.key_of(treatment))
        further = {name: TreatmentItem.key_of(name) for name in others}
        token_key = TaskTokenItem.key_of(task_token) if task_token else None
        read = dict.fromkeys((*keys, *further.values(), *((token_key,) if token_key else ())))
        with translated(f"treatment {treatment}"):
            items: dict[str, Any] = {
                item.sk: item for item in StandingItem.batch_get([(pk, sk) for sk in read], consistent_read=True)
            }
        try:
            run, spec, stored = (items[sk] for sk in keys)
        except KeyError:
            raise NotFound(f"run {run_id} has no treatment {treatment}") from None
        known = {name: items[sk].treatment() for name, sk in further.items() if sk in items}
        if token_key:
            task_token = items[token_key].task_token if token_key in items else None
        return TreatmentContext(run.run(), spec.treatment_spec(), stored.treatment(), known, task_token)

    def list_treatments(self, run_id: str) -> Sequence[Treatment]:
        with translated(f"run {run_id}"):
            return [
                item.treatment()
                for item in TreatmentItem.query(
                    partition(run_id), TreatmentItem.sk.startswith(TreatmentItem.PREFIX), consistent_read=True
                )
            ]

    def list_elements(self, run_id: str) -> Sequence[Treatment]:
        with translated(f"run {run_id}"):
            return [
                item.treatment()
                for item in TreatmentItem.query(
                    partition(run_id), TreatmentItem.sk.startswith(TreatmentItem.ELEMENTS), consistent_read=True
                )
            ]

    def list_element_specs(self, run_id: str) -> Sequence[TreatmentSpec]:
        with translated(f"run {run_id}"):
            return [
                item.treatment_spec()
                for item in SpecItem.query(
                    partition(run_id), SpecItem.sk.startswith(f"{SpecItem.PREFIX}{ROOT}/"), consistent_read=True
                )
            ]

    def put_elements(
        self, run_id: str, elements: Sequence[tuple[TreatmentSpec, Treatment]], edges: Sequence[Edge]
    ) -> None:
        with translated(f"run {run_id}"), RunsTable.batch_write() as batch:
            for spec, treatment in elements:
                batch.save(SpecItem.of(run_id, spec))
                batch.save(TreatmentItem.of(treatment))
            for edge in edges:
                batch.save(EdgeItem.of(edge))

    def page_of_treatments(self, run_id: str, limit: int, after: str | None) -> Page[Treatment]:
        treatments: list[Treatment] = []
        if after is None or not is_element(after):
            treatments += self._page(run_id, TreatmentItem.PREFIX, limit + 1, after)
            after = None
        if len(treatments) <= limit:
            treatments += self._page(run_id, TreatmentItem.ELEMENTS, limit + 1 - len(treatments), after)
        page = treatments[:limit]
        return Page(page, page[-1].name if len(treatments) > limit else None)

    @staticmethod
    def _page(run_id: str, prefix: str, limit: int, after: str | None) -> Sequence[Treatment]:
        # No name has a character below "!" or above "~".
        first = f"{prefix}{after}!" if after else prefix
        with translated(f"run {run_id}"):
            return [
                item.treatment()
                for item in TreatmentItem.query(
                    partition(run_id),
                    TreatmentItem.sk.between(first, f"{prefix}\x7f"),
                    consistent_read=True,
                    limit=limit,
                )
            ]

    def request_cancel(self, run_id: str, treatment: str, reason: str) -> Treatment:
        item = treatment_key(run_id, treatment)
        unfinished = TreatmentItem.state.is_in(*map(str, UNFINISHED_TREATMENT_STATES))
        try:
            with translated(f"treatment {treatment}"):
                item.update(
                    [TreatmentItem.cancel_reason.set(reason)],
                    condition=unfinished & TreatmentItem.cancel_reason.does_not_exist(),
                )
        except Conflict:
            return self.get_treatment(run_id, treatment)
        return item.treatment()

    def get_treatments(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Treatment]:
        keys = [(partition(run_id), TreatmentItem.key_of(name)) for run_id, name in sorted(set(names))]
        with translated("treatments"):
            items = TreatmentItem.batch_get(keys, consistent_read=True)
            return {(item.run_id, item.name): item.treatment() for item in items}

    def advance(
        self,
        run_id: str,
        treatment: str,
        at_attempt: int,
        source: Iterable[TreatmentState],
        target: TreatmentState,
        **changes: Any,
    ) -> Treatment:
        item = treatment_key(run_id, treatment)
        actions: list[Action] = [TreatmentItem.state.set(str(target))]
        actions += [assignment(TreatmentItem, name, value) for name, value in changes.items()]
        with translated(f"treatment {treatment}"):
            item.update(
                actions,
                condition=TreatmentItem.state.is_in(*map(str, source)) & (TreatmentItem.attempt == at_attempt),
            )
        return item.treatment()

    def settle(
        self,
        treatment: Treatment,
        state: TreatmentState,
        cause: str | None,
        exit_code: int | None,
        at: datetime,
        *,
        delivered: Sequence[Edge] = (),
        ready: Sequence[Treatment] = (),
        soft_failed: bool = False,
    ) -> bool:
        actions: list[Action] = [TreatmentItem.state.set(str(state)), TreatmentItem.finished_at.set(at)]
        actions.append(TreatmentItem.cause.set(cause) if cause else TreatmentItem.cause.remove())
        actions.append(TreatmentItem.waiting_for.remove())
        actions.append(assignment(TreatmentItem, "history", (StateChange(at, treatment.attempt, state, cause or ""),)))
        if exit_code is not None:
            actions.append(TreatmentItem.exit_code.set(exit_code))
        if soft_failed:
            actions.append(TreatmentItem.soft_failed.set(True))
        if treatment.state.final:
            return False
        if delivered:
            actions.append(TreatmentItem.edges_delivered.set(True))
        settled = 1 + treatment.carried

        def write() -> None:
            with (
                translated(f"treatment {treatment.name}"),
                TransactWrite(connection=transaction_connection()) as transaction,
            ):
                transaction.update(
                    treatment_key(treatment.run_id, treatment.name),
                    actions,
                    condition=(TreatmentItem.state == str(treatment.state))
                    & (TreatmentItem.attempt == treatment.attempt),
                )
                if not ready:
                    transaction.update(CountItem.key(treatment.run_id), [CountItem.unsettled.add(-settled)])
                # An edge that only the end fires is delivered by nothing but this write, which succeeds once.
                opened = [edge for edge in delivered if edge.trigger is Trigger.OPENED]
                mark_delivered(transaction, opened)
                lower_counts(transaction, delivered, ready, at, carried=settled)

        try:
            insisting(write)
        except Conflict:
            stored = self.get_treatment(treatment.run_id, treatment.name)
            if stored.state.final:
                return False
            raise
        return True


class StandingItem(RunsTable):
    """Reads a run, a treatment's specification, the treatment and a token at once: the key decides what an item is."""

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        key = data["sk"]["S"]
        kinds = {model.PREFIX: model for model in (SpecItem, TreatmentItem, TaskTokenItem)} | {
            TreatmentItem.ELEMENTS: TreatmentItem
        }
        model = RunItem if key == RunItem.SK else kinds[key[: key.index("#") + 1]]
        return model.from_raw_data(data)
