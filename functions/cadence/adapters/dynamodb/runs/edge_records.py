"""`EdgeStore` on the `runs` table."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runs.edge_items import EdgeItem
from cadence.adapters.dynamodb.runs.run_items import TreatmentItem, assignment, partition, treatment_key
from cadence.adapters.dynamodb.shared.binding import transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.edge import Edge, EdgeState
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Conflict

_EDGES_PER_TRANSACTION = 48
"""Delivering takes one item for an edge and one for its consumer."""


class EdgeRecords:
    """Records of edges. The subclass binds the models to the table."""

    def edges_from(self, run_id: str, producer: str) -> Sequence[Edge]:
        return self._edges(run_id, f"{EdgeItem.PREFIX}{producer}#")

    def edges_of(self, run_id: str) -> Sequence[Edge]:
        return self._edges(run_id, EdgeItem.PREFIX)

    def deliver(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        pending = [edge for edge in edges if edge.state is EdgeState.PENDING]
        for start in range(0, len(pending), _EDGES_PER_TRANSACTION):
            group = pending[start : start + _EDGES_PER_TRANSACTION]
            try:
                self._mark_delivered(group)
            except Conflict:
                # A part of the group was delivered before (a repeated call) or at the same time: each one separately.
                for edge in group:
                    with suppress(Conflict):
                        self._mark_delivered([edge])
        return self._consumers(edges)

    def bury(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        for edge in edges:
            if edge.state is EdgeState.PENDING:
                try:
                    with translated(f"edge {edge.producer} → {edge.consumer}"):
                        EdgeItem(*EdgeItem.key(edge)).update([EdgeItem.state.set(str(EdgeState.DEAD))], _pending())
                except Conflict:
                    continue  # delivered or buried by an earlier call
        return self._consumers(edges)

    @staticmethod
    def _edges(run_id: str, prefix: str) -> Sequence[Edge]:
        with translated(f"run {run_id}"):
            query = EdgeItem.query(partition(run_id), EdgeItem.sk.startswith(prefix), consistent_read=True)
            return [item.edge() for item in query]

    def _mark_delivered(self, edges: Sequence[Edge]) -> None:
        def write() -> None:
            with translated("edges"), TransactWrite(connection=transaction_connection()) as transaction:
                mark_delivered(transaction, edges)
                lower_counts(transaction, edges)

        insisting(write)

    @staticmethod
    def _consumers(edges: Sequence[Edge]) -> Sequence[Treatment]:
        keys = {(partition(edge.run_id), TreatmentItem.PREFIX + edge.consumer) for edge in edges}
        with translated("treatments"):
            return [item.treatment() for item in TreatmentItem.batch_get(list(keys), consistent_read=True)]


def mark_delivered(transaction: TransactWrite, edges: Sequence[Edge]) -> None:
    """Adds to a transaction that the edges, all of them pending, are delivered."""
    for edge in edges:
        delivered: list[Action] = [EdgeItem.state.set(str(EdgeState.DELIVERED))]
        transaction.update(EdgeItem(*EdgeItem.key(edge)), delivered, condition=_pending())


def lower_counts(
    transaction: TransactWrite,
    edges: Sequence[Edge],
    ready: Sequence[Treatment] = (),
    at: datetime | None = None,
    carried: int = 0,
) -> None:
    """Adds to a transaction that the consumers of the edges wait for less.

    Those in `ready`, which must be as read and wait for these edges alone, become ready at `at`; the first of them
    takes `carried` settled treatments off the run's count when it settles.
    """
    becoming = {(treatment.run_id, treatment.name): treatment for treatment in ready}
    carrier = ready[0].name if ready else None
    for consumer, count in Counter((edge.run_id, edge.consumer) for edge in edges).items():
        actions: list[Action] = [TreatmentItem.waiting.add(-count)]
        condition = None
        if consumer in becoming and at is not None:
            seen = becoming[consumer]
            actions += [TreatmentItem.state.set(str(TreatmentState.READY)), TreatmentItem.ready_at.set(at)]
            history = (StateChange(at, seen.attempt, TreatmentState.READY),)
            actions.append(assignment(TreatmentItem, "history", history))
            if seen.name == carrier:
                actions.append(TreatmentItem.carried.set(carried))
            condition = (TreatmentItem.state == str(seen.state)) & (TreatmentItem.attempt == seen.attempt)
            condition &= TreatmentItem.waiting == count
        transaction.update(treatment_key(*consumer), actions, condition=condition)


def _pending() -> Condition:
    return EdgeItem.state == str(EdgeState.PENDING)
