"""The queues between Lambdas, each with a dead-letter queue for messages that could not be processed."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.deployment import Deployment
from infra.findings import accept

# How often a message is processed before it moves to the dead-letter queue.
_ATTEMPTS = 5
# An SQS event source needs the visibility timeout to outlast all retries of one invocation: six times the Lambda's
# timeout is what AWS advises.
VISIBILITY_PER_TIMEOUT = 6


class WorkQueue(Construct):
    """A queue whose messages move to ``failed`` after five attempts, and are kept there for 14 days.

    ``consumer_timeout`` is the timeout of the Lambda that processes them, in seconds. Without ``failed``, the queue
    has a dead-letter queue of its own.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        *,
        consumer_timeout: int,
        failed: sqs.Queue | None = None,
    ) -> None:
        super().__init__(scope, construct_id(name))
        self._name = name.replace("-", "_")
        self.has_own_failed = failed is None
        self.failed = failed or failed_queue(self, deployment, f"{name}-failed")
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=deployment.name(name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=not deployment.is_local,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.seconds(consumer_timeout * VISIBILITY_PER_TIMEOUT),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.failed, max_receive_count=_ATTEMPTS),
        )

    def settings(self) -> Mapping[str, str]:
        """Returns the settings of Lambdas that name the queue."""
        return {
            f"{self._name}_queue_url": self.queue.queue_url,
            f"{self._name}_queue_arn": self.queue.queue_arn,
            f"failed_{self._name}_queue_arn": self.failed.queue_arn,
        }


def failed_queue(scope: Construct, deployment: Deployment, name: str) -> sqs.Queue:
    """Creates a dead-letter queue."""
    queue = sqs.Queue(
        scope,
        "Failed",
        queue_name=deployment.name(name),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not deployment.is_local,
        retention_period=Duration.days(14),
    )
    accept(queue, "SQS3", "This is the dead-letter queue of a queue or of an event source.")
    return queue


def construct_id(name: str) -> str:
    """Returns the id of the construct for a name: ``wake-ups`` is ``WakeUps``."""
    return name.replace("-", " ").replace("_", " ").title().replace(" ", "")
