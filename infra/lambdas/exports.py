"""Lambdas that report lines, and ends of treatments and runs, to monitoring systems."""

from collections.abc import Mapping, Sequence
from typing import Any

from cadence.composition.shared.settings import ExportsSettings, ObserveSettings
from cadence.domain.runs.states import RunState, TreatmentState
from infra.row import DECRYPTS, LambdaRow
from infra.row.packages import BASE, EXPORTS
from infra.row.permissions import gets, invokes, items, lists_runs, sends
from infra.row.queues import EXPORTING
from infra.row.triggers import QueueMessages, TableChanges


def _item(sort_key: Any, states: Sequence[str] = ()) -> Mapping[str, Any]:
    """Returns the filter for new items with this sort key; with ``states``, for items written in one of them."""
    image = {"state": {"S": list(states)}} if states else {}
    change = {"Keys": {"sk": {"S": [sort_key]}}} | ({"NewImage": image} if image else {})
    return {"eventName": ["INSERT", "MODIFY"] if states else ["INSERT"], "dynamodb": change}


def _observed(table: str, *filters: Mapping[str, Any]) -> TableChanges:
    """Changes within a second are reported with one call."""
    return TableChanges(table=table, filters=filters, batch=500, window=1, retries=50)


ROWS = (
    LambdaRow(
        folder="observe",
        room="exports",
        purpose="Sends new log lines and ends of treatments and runs to the queues `alerting` and `exporting`, and ends of runs to `commit_reports`, of treatments with reports to `test_reports`.",
        triggers=(
            _observed("logs", _item({"prefix": "SEGMENT#"})),
            _observed(
                "runs",
                _item({"prefix": "TREATMENT#"}, [str(state) for state in TreatmentState if state.final]),
                _item("RUN", [str(state) for state in RunState if state.final]),
            ),
        ),
        settings=ObserveSettings,
        packages=BASE,
        permissions=(
            items("access", "BatchGetItem"),
            items("runs", "BatchGetItem"),
            items("runners", "BatchGetItem"),
            sends("alerting"),
            sends("exporting"),
            # Ends of runs of connected repositories.
            invokes("commit_reports"),
            # Ends of treatments with reports of tests.
            invokes("test_reports"),
        ),
    ),
    LambdaRow(
        folder="exports",
        room="exports",
        purpose="Counts ends of runs; sends lines, metrics and traces to an organization's receivers; back-fills.",
        # Events within a second of each other are counted and sent together.
        triggers=(QueueMessages(queue=EXPORTING, batch=50, window=1, concurrency=5),),
        settings=ExportsSettings,
        packages=(*BASE, *EXPORTS),
        memory=1024,
        # It delivers kept messages to a receiver for up to 40 seconds, and back-fills for as long.
        timeout=120,
        # The credentials of exports.
        secrets_key=DECRYPTS,
        permissions=(
            items("access", "GetItem", "Query"),
            # Runs that are sent once more, and the number of runs under way.
            items("runs", "BatchGetItem", "Query"),
            lists_runs(),
            items("runners", "BatchGetItem", "Query"),
            items("logs", "Query"),
            items("telemetry", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            *gets("runs/*"),
            sends("exporting"),
        ),
    ),
)
