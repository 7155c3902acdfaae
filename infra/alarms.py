"""Alarms on everything that must not fail silently, sent to one topic."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from infra.settings import Deployment

_PERIOD = Duration.minutes(5)

# The stream keeps records for 24 hours; an index that is an hour behind is a fault, not a load.
_OLDEST_UNINDEXED_LINE = Duration.hours(1)


class Alarms(Construct):
    """One topic, to which an operator subscribes, and the alarms that publish to it."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment, key: kms.Key) -> None:
        super().__init__(scope, construct_id)
        # CloudWatch cannot publish to a topic that is encrypted with the key that AWS manages.
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
        self.topic = sns.Topic(self, "Topic", topic_name=deployment.name("alarms"), master_key=key, enforce_ssl=True)

    def on_dead_letters(self, queues: Mapping[str, sqs.Queue]) -> None:
        """Any message that could not be processed."""
        for name, queue in queues.items():
            metric = queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_PERIOD)
            self._alarm(f"{name}DeadLetters", metric, 0, f"Messages of {name} could not be processed.")

    def on_functions(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Any invocation that raised or timed out."""
        for folder, function in functions.items():
            metric = function.metric_errors(statistic="Sum", period=_PERIOD)
            self._alarm(f"{folder}-errors", metric, 0, f"The Lambda {folder} raised an error or timed out.")

    def on_machines(self, machines: Mapping[str, sfn.StateMachine]) -> None:
        """Any execution that failed: machines catch what is expected, so this is a fault of the control plane."""
        for name, machine in machines.items():
            metric = machine.metric_failed(statistic="Sum", period=_PERIOD)
            self._alarm(f"{name}-machine-failures", metric, 0, f"An execution of the {name} machine failed.")

    def on_indexing(self, indexer: lambda_.Function) -> None:
        """Log lines that wait too long for the indexer."""
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
