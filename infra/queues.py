"""The queues between Lambdas, each with a second one for what could not be processed."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.findings import accept
from infra.settings import Deployment

# An SQS event source needs the visibility timeout to outlast all retries of one invocation: six times the Lambda's
# timeout is what AWS advises.
VISIBILITY_PER_TIMEOUT = 6


class WorkQueue(Construct):
    """A queue whose messages move to ``failed`` (``<name>-failed`` by default) after ``attempts`` tries, and are kept there for 14 days."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: Deployment,
        name: str,
        consumer_timeout: Duration,
        attempts: int,
        failed: sqs.Queue | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.failed = failed or failed_queue(self, deployment, name)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=deployment.name(name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=not deployment.is_local,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.seconds(consumer_timeout.to_seconds() * VISIBILITY_PER_TIMEOUT),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.failed, max_receive_count=attempts),
        )


def failed_queue(scope: Construct, deployment: Deployment, name: str) -> sqs.Queue:
    """The dead-letter queue ``<name>-failed``."""
    queue = sqs.Queue(
        scope,
        "Failed",
        queue_name=deployment.name(f"{name}-failed"),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not deployment.is_local,
        retention_period=Duration.days(14),
    )
    accept(queue, "SQS3", "This is the dead-letter queue of a queue or of an event source.")
    return queue
