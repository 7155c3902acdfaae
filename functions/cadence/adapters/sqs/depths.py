"""Counts the messages that wait in the queues of the control plane."""

from collections.abc import Sequence

from cadence.adapters.aws.clients import client
from cadence.application.metrics.gauges import QueueDepth

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_FAILED = "-failed"


class SqsDepths:
    """Reads `queues`, URLs with commas between them.

    The end of a queue's name shows whether it holds failed messages.
    """

    def __init__(self, queues: str, prefix: str) -> None:
        self._queues = [url for url in queues.split(",") if url]
        self._prefix = prefix

    def read(self) -> Sequence[QueueDepth]:
        return [self._depth(url) for url in self._queues]

    def _depth(self, url: str) -> QueueDepth:
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
        name = url.rpartition("/")[2].removeprefix(self._prefix)
        messages = sum(int(attributes.get(count, 0)) for count in _COUNTS)
        return QueueDepth(name.removesuffix(_FAILED), messages, name.endswith(_FAILED))
