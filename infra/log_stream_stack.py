"""The stack of the log stream: it alone is billed by the hour, and can therefore be removed and created again.

It refers to the main stack by names only, so either can be deployed, removed or replaced without the other, and the
deployed template is complete: ``log_stream`` saves it before it removes the stack, and creates the stack from it.
"""

from aws_cdk import DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.deployment import Deployment
from infra.findings import accept_wildcard
from infra.resources import Resources

_LANES = 4


class LogStreamStack(Stack):
    """The Kinesis stream of log lines, and the event source that invokes ``log_indexer`` with its records."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=deployment.name("log-stream"),
            description="Cadence: the stream of log lines. Removed after a day without runs, and created again.",
            # With the rule, creating the stack again would need the right to read the bootstrap version.
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        resources = Resources(self, deployment)
        on_demand = deployment.log_capacity == "on-demand"
        stream = kinesis.CfnStream(
            self,
            "LogLines",
            name=resources.log_lines_name,
            # AWS adds and removes shards of a stream on demand; a run's lines stay in one, so their order holds.
            shard_count=None if on_demand else 1,
            stream_mode_details=kinesis.CfnStream.StreamModeDetailsProperty(stream_mode="ON_DEMAND")
            if on_demand
            else None,
            retention_period_hours=24,
            stream_encryption=kinesis.CfnStream.StreamEncryptionProperty(
                encryption_type="KMS", key_id="alias/aws/kinesis"
            ),
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Indexing",
            function_name=resources.function("log_indexer"),
            event_source_arn=stream.attr_arn,
            starting_position="TRIM_HORIZON",
            batch_size=500,
            # Records of one run stay in order; those of others need not wait for a command that prints very much.
            parallelization_factor=_LANES,
            maximum_batching_window_in_seconds=0,
            # The indexer stores an unreadable record as a dead letter. A record that makes the indexer fail is
            # isolated, retried alone, and noted in a queue, from which `log_stream` rescues it; the others are
            # indexed.
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=100,
            maximum_record_age_in_seconds=int(Duration.hours(12).to_seconds()),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                    destination=resources.queue("log-lines-failed")
                )
            ),
        )
        mapping.add_resource_dependency(stream)


class LogStreamRole(Construct):
    """The role with which CloudFormation removes the log stream's stack and creates it again."""

    def __init__(self, scope: Construct, construct_id: str, resources: Resources) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
            inline_policies={"stream": iam.PolicyDocument(statements=_stack_statements(resources))},
        )
        accept_wildcard(
            self.role,
            resources.event_source_mappings(),
            "AWS gives a mapping its id; a condition narrows all but its tags.",
        )
        accept_wildcard(
            self.role, "*", "Creating a mapping does not act on a resource; a condition narrows it to one Lambda."
        )


def _stack_statements(resources: Resources) -> list[iam.PolicyStatement]:
    indexer = resources.function("log_indexer")
    return [
        iam.PolicyStatement(
            actions=[
                "kinesis:AddTagsToStream",
                "kinesis:CreateStream",
                "kinesis:DeleteStream",
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:IncreaseStreamRetentionPeriod",
                "kinesis:ListTagsForResource",
                "kinesis:ListTagsForStream",
                "kinesis:RemoveTagsFromStream",
                "kinesis:StartStreamEncryption",
            ],
            resources=[resources.log_lines()],
        ),
        iam.PolicyStatement(
            actions=[
                "lambda:GetEventSourceMapping",
                "lambda:DeleteEventSourceMapping",
                "lambda:UpdateEventSourceMapping",
            ],
            resources=[resources.event_source_mappings()],
            conditions={"ArnEquals": {"lambda:FunctionArn": indexer}},
        ),
        # CloudFormation tags the mapping that it creates. AWS evaluates no condition on the Lambda in these.
        iam.PolicyStatement(
            actions=["lambda:ListTags", "lambda:TagResource"], resources=[resources.event_source_mappings()]
        ),
        # Creating a mapping does not act on a resource; the condition narrows it.
        iam.PolicyStatement(
            actions=["lambda:CreateEventSourceMapping"],
            resources=["*"],
            conditions={"ArnEquals": {"lambda:FunctionArn": indexer}},
        ),
    ]
