"""`Offers` on the tables `runs` and `runners`."""

from collections.abc import Mapping
from typing import Any

from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runners.runner_items import OfferItem, RunnerItem
from cadence.adapters.dynamodb.runs.run_items import TreatmentItem, assignment, treatment_key
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.states import PLACEABLE, TreatmentState
from cadence.domain.shared.retention import KEPT


class DynamoOffers:
    def __init__(self, runs_table: str, runners_table: str) -> None:
        bind(TreatmentItem, runs_table)
        for model in (RunnerItem, OfferItem):
            bind(model, runners_table)
        self._connection = transaction_connection()

    def offer(self, runner: Runner, noted: Mapping[str, Any]) -> None:
        item = RunnerItem.of(runner)
        item.expires_at = runner.created_at + KEPT
        offer = OfferItem.of(runner, runner.created_at)
        offered = RunnerItem.state == str(RunnerState.OFFERED)
        begun_elsewhere = (RunnerItem.state == str(RunnerState.BOOTING)) & (RunnerItem.pool != runner.pool)

        def write() -> None:
            with (
                translated(f"runner {runner.runner_id}"),
                TransactWrite(connection=self._connection) as transaction,
            ):
                transaction.update(
                    treatment_key(runner.run_id, runner.treatment),
                    [
                        TreatmentItem.state.set(str(TreatmentState.BOOTING)),
                        TreatmentItem.pool.set(runner.pool),
                        TreatmentItem.placed_at.set(runner.created_at),
                        *[assignment(TreatmentItem, name, value) for name, value in noted.items()],
                    ],
                    TreatmentItem.state.is_in(*map(str, PLACEABLE)) & (TreatmentItem.attempt == runner.attempt),
                )
                transaction.save(
                    item,
                    RunnerItem.pk.does_not_exist()
                    | ((offered | begun_elsewhere) & RunnerItem.cancel_reason.does_not_exist()),
                )
                transaction.save(offer)

        insisting(write)
