"""Connects Lambdas to the queues, tables, objects and schedules that invoke them.

The HTTP API, the WebSocket API and the state machines are connected by their rooms, the stream of log lines by its
stack.
"""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from infra.queues import WorkQueue
from infra.row import AsynchronousCalls, LambdaRow
from infra.row.triggers import Every, NewObjects, QueueMessages, TableChanges
from infra.shared import Shared


def connect(function: lambda_.Function, row: LambdaRow, queues: dict[str, WorkQueue], shared: Shared) -> None:
    """Connects a Lambda to the triggers of its row; ``queues`` are those of its room, by name."""
    if row.asynchronous:
        _configure(function, row.asynchronous, shared.watching_failed)
    for trigger in row.triggers:
        if isinstance(trigger, QueueMessages) and not trigger.mapped_at_runtime:
            _map_queue(function, trigger, queues[trigger.queue.name])
        elif isinstance(trigger, TableChanges):
            _follow(function, trigger, shared)
        elif isinstance(trigger, NewObjects):
            shared.store.notify(function, trigger.prefix)
        elif isinstance(trigger, Every):
            rate = events.Schedule.rate(Duration.minutes(trigger.minutes))
            events.Rule(function, "Schedule", schedule=rate, targets=[targets.LambdaFunction(function)])


def _configure(function: lambda_.Function, calls: AsynchronousCalls, failed: sqs.Queue) -> None:
    function.configure_async_invoke(
        retry_attempts=calls.retries,
        max_event_age=Duration.minutes(calls.longest_minutes),
        on_failure=destinations.SqsDestination(failed) if calls.keeps_failed else None,
    )


def _map_queue(function: lambda_.Function, trigger: QueueMessages, work: WorkQueue) -> None:
    function.add_event_source_mapping(
        "Queue",
        event_source_arn=work.queue.queue_arn,
        batch_size=trigger.batch,
        max_batching_window=None if trigger.window is None else Duration.seconds(trigger.window),
        max_concurrency=trigger.concurrency,
        report_batch_item_failures=True,
    )


def _follow(function: lambda_.Function, trigger: TableChanges, shared: Shared) -> None:
    function.add_event_source(
        sources.DynamoEventSource(
            shared.tables.by_name[trigger.table],
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=trigger.batch,
            max_batching_window=Duration.seconds(trigger.window),
            parallelization_factor=trigger.parallel,
            bisect_batch_on_error=True,
            retry_attempts=trigger.retries,
            on_failure=sources.SqsDlq(shared.watching_failed),
            filters=[lambda_.FilterCriteria.filter(pattern) for pattern in trigger.filters],
        )
    )
