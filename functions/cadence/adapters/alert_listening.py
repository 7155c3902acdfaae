"""`Listening`: hands the queue of events to the Lambda `alerts`, from the first alert rule on.

Lambda's polls of a queue cost 0.26 USD a month while nothing happens, so whoever has no rules has none. The mapping is no part of
the stack: the next deployment would remove it again.
"""

from cadence.adapters.aws import client

_LARGEST_BATCH = 10


class AlertListening:
    def __init__(self, queue_arn: str, function: str) -> None:
        self._queue_arn, self._function = queue_arn, function

    def begin(self) -> None:
        lambdas = client("lambda")
        known = lambdas.list_event_source_mappings(EventSourceArn=self._queue_arn, FunctionName=self._function)
        if known["EventSourceMappings"]:
            return
        try:
            lambdas.create_event_source_mapping(
                EventSourceArn=self._queue_arn,
                FunctionName=self._function,
                BatchSize=_LARGEST_BATCH,
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )
        except lambdas.exceptions.ResourceConflictException:
            return  # another process was faster
