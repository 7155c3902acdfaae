"""What hands the changes of tables to ``observe``: only those that tell of something that somebody may wait for."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cadence.domain.runs.states import RunState, TreatmentState
from infra.tables import Tables

# Several changes within a second are told with one call.
_WINDOW = Duration.seconds(1)
_LARGEST_BATCH = 500
_RETRIES = 50


def follow_changes(function: lambda_.Function, tables: Tables, failed: sqs.Queue) -> None:
    """Segments that were written, treatments and runs that came to an end. What cannot be told goes to ``failed``."""
    for table, patterns in _PATTERNS.items():
        function.add_event_source(
            sources.DynamoEventSource(
                tables.by_name[table],
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=_LARGEST_BATCH,
                max_batching_window=_WINDOW,
                bisect_batch_on_error=True,
                retry_attempts=_RETRIES,
                on_failure=sources.SqsDlq(failed),
                filters=[lambda_.FilterCriteria.filter(pattern) for pattern in patterns],
            )
        )


def _image(sort_key: Any, states: Sequence[str] = ()) -> Mapping[str, Any]:
    image = {"state": {"S": list(states)}} if states else {}
    change = {"Keys": {"sk": {"S": [sort_key]}}} | ({"NewImage": image} if image else {})
    return {"eventName": ["INSERT", "MODIFY"] if states else ["INSERT"], "dynamodb": change}


_PATTERNS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "logs": [_image({"prefix": "SEGMENT#"})],
    "runs": [
        _image({"prefix": "TREATMENT#"}, [str(state) for state in TreatmentState if state.final]),
        _image("RUN", [str(state) for state in RunState if state.final]),
    ],
}
