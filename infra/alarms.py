"""Alarms on everything that must not fail silently, sent to one topic."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from infra.deployment import Deployment

_PERIOD = Duration.minutes(5)

# The stream keeps records for 24 hours; an index that is an hour behind is a fault, not a load.
_OLDEST_UNINDEXED_LINE = Duration.hours(1)


# A line that our code logged, one of Lambda's Python runtime, or Lambda's own report on an invocation that failed.
_ERROR_LINE = (
    '{ $.level = "ERROR" || $.level = "CRITICAL" || $.log_level = "ERROR" '
    '|| $.record.status = "error" || $.record.status = "timeout" }'
)


class Alarms(Construct):
    """One topic, to which an operator subscribes, and the alarms that publish to it."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment, key: kms.Key) -> None:
        super().__init__(scope, construct_id)
        # CloudWatch cannot publish to a topic that is encrypted with the key that AWS manages.
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
        self.topic = sns.Topic(self, "Topic", topic_name=deployment.name("alarms"), master_key=key, enforce_ssl=True)
        self._errors = cloudwatch.Metric(
            namespace=f"Cadence/{deployment.stage}", metric_name="Errors", statistic="Sum", period=_PERIOD
        )
        # One alarm for all, on a metric that exists only while there are errors: an alarm for each Lambda would be most
        # of an idle account's bill, and would miss what a Lambda reports to a state machine instead of raising it.
        self._alarm(
            "errors", self._errors, 0, "A Lambda met an error; the log lines with level ERROR say which and why."
        )

    def count_errors(self, folder: str, log_group: logs.LogGroup) -> None:
        """Counts every error that a Lambda logged, raised, or timed out with, for the alarm on errors."""
        logs.MetricFilter(
            self,
            f"{folder}-errors",
            log_group=log_group,
            filter_pattern=logs.FilterPattern.literal(_ERROR_LINE),
            metric_namespace=self._errors.namespace,
            metric_name=self._errors.metric_name,
            metric_value="1",
        )

    def on_dead_letters(self, name: str, queue: sqs.Queue) -> None:
        """Adds an alarm on any message in a dead-letter queue."""
        metric = queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_PERIOD)
        self._alarm(f"{name}DeadLetters", metric, 0, f"Messages of {name} could not be processed.")

    def on_machine(self, name: str, machine: sfn.StateMachine) -> None:
        """Adds an alarm on failed executions: machines catch expected errors, so it is a fault of the control plane."""
        metric = machine.metric_failed(statistic="Sum", period=_PERIOD)
        self._alarm(f"{name}-machine-failures", metric, 0, f"An execution of the {name} machine failed.")

    def on_indexing(self, indexer: lambda_.Function) -> None:
        """Adds an alarm on log lines that wait too long for the indexer."""
        metric = indexer.metric("IteratorAge", statistic="Maximum", period=_PERIOD)
        limit = _OLDEST_UNINDEXED_LINE.to_milliseconds()
        self._alarm("indexing-behind", metric, limit, "Log lines have waited over an hour for the indexer.")

    def _alarm(self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(SnsAction(self.topic))
