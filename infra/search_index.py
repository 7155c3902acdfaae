"""What wakes ``search_index``: fresh segments of logs, and a schedule."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

# Fresh segments are found by search as they are; some are waited for, so that one call serves them together.
_WINDOW = Duration.seconds(20)
_LARGEST_BATCH = 200
_RETRIES = 100
# Several projects' segments are built at the same time, those of one project never.
_AT_ONCE = 4
_EVERY = Duration.minutes(5)


def keep_search_index(function: lambda_.Function, logs: dynamodb.TableV2, failed: sqs.Queue) -> None:
    """Let it build what is new within seconds, and merge and remove every few minutes. What it cannot be told goes to ``failed``."""
    function.add_event_source(
        sources.DynamoEventSource(
            logs,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=_LARGEST_BATCH,
            max_batching_window=_WINDOW,
            parallelization_factor=_AT_ONCE,
            bisect_batch_on_error=True,
            retry_attempts=_RETRIES,
            on_failure=sources.SqsDlq(failed),
            filters=[
                lambda_.FilterCriteria.filter(
                    {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "FRESH#"}]}}}}
                )
            ],
        )
    )
    function.configure_async_invoke(retry_attempts=0, max_event_age=_EVERY)
    events.Rule(function, "Due", schedule=events.Schedule.rate(_EVERY), targets=[targets.LambdaFunction(function)])
