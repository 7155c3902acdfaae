"""`EdgeStore` on the `runs` table."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runs.edge_items import EdgeItem
from cadence.adapters.dynamodb.runs.run_items import TreatmentItem, partition, treatment_key
from cadence.adapters.dynamodb.shared.binding import transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.edge import Edge, EdgeState
from cadence.domain.runs.run import Treatment
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
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for edge in edges:
            counts[edge.run_id, edge.consumer] += 1

        def write() -> None:
            with translated("edges"), TransactWrite(connection=transaction_connection()) as transaction:
                for edge in edges:
                    transaction.update(
                        EdgeItem(*EdgeItem.key(edge)),
                        [EdgeItem.state.set(str(EdgeState.DELIVERED))],
                        condition=_pending(),
                    )
                for (run_id, consumer), count in counts.items():
                    transaction.update(treatment_key(run_id, consumer), [TreatmentItem.waiting.add(-count)])

        insisting(write)

    @staticmethod
    def _consumers(edges: Sequence[Edge]) -> Sequence[Treatment]:
        keys = {(partition(edge.run_id), TreatmentItem.PREFIX + edge.consumer) for edge in edges}
        with translated("treatments"):
            return [item.treatment() for item in TreatmentItem.batch_get(list(keys), consistent_read=True)]


def _pending() -> Condition:
    return EdgeItem.state == str(EdgeState.PENDING)
