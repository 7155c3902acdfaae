"""The main stack: everything but the log stream."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import Alarms
from infra.data_bucket import DataBucket
from infra.findings import accept_shared_wildcards, accept_wildcard
from infra.functions import SIZES, Functions
from infra.http_api import PublicApi
from infra.live_api import LiveApi
from infra.log_chain import LogStreamRole
from infra.observing import follow_changes
from infra.packaging import agent_sha256
from infra.queues import WorkQueue, failed_queue
from infra.resources import Resources
from infra.schedules import PipelineSchedules
from infra.scheduling import StateMachines
from infra.search_index import keep_search_index
from infra.settings import Deployment
from infra.tables import Tables
from infra.uploader import Uploader

_ATTEMPTS = 5
# A delivery may read a repository, which takes up to ten seconds.
_LARGEST_BATCH = {"deliveries": 5, "watchdog": 10, "wake_group": 10, "exports": 50}
# Events that come within a second of each other are counted, and sent to receivers, together.
_LONGEST_WINDOW = {"exports": Duration.seconds(1)}
_MOST_AT_A_TIME = {"exports": 5}
# A new key version each year would add its monthly price for each of the first two; secrets are written anew anyway
# when they change.
_KEY_ROTATION = Duration.days(2560)


class CadenceStack(Stack):
    """Tables, bucket, queues, Lambdas, state machines, HTTP API and alarms of one deployment."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"cadence-{deployment.stage}",
            description="Cadence: a control plane for integration pipelines.",
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=not deployment.is_local),
        )
        resources = Resources(self, deployment)
        key = self._secrets_key(deployment)
        tables = Tables(self, "Tables", deployment)
        store = DataBucket(self, "Store", deployment, resources)
        if deployment.is_local:
            for name in deployment.value_bucket_names:
                store.add_elsewhere(name, deployment.retention_days)
        self._deliveries = self._work_queue("Deliveries", "deliveries", "deliveries", deployment)
        self._deadlines = self._work_queue("Deadlines", "deadlines", "watchdog", deployment)
        self._wake_ups = self._work_queue("WakeUps", "wake-ups", "wake_group", deployment)
        # One for all that watches: each queue of its own would cost an alarm, and messages find back to where they came from.
        unwatched = failed_queue(Construct(self, "Watching"), deployment, "watching")
        self._exporting = self._work_queue("Exporting", "exporting", "exports", deployment, unwatched)
        self._alerting = self._work_queue("Alerting", "alerting", "alerts", deployment, unwatched)
        unindexed = failed_queue(Construct(self, "LogLines"), deployment, "log-lines")
        schedules = PipelineSchedules(self, "Schedules", resources, self._deliveries)
        api = PublicApi(self, "PublicApi", deployment)
        live = LiveApi(self, "LiveApi", deployment)
        log_stream_role = LogStreamRole(self, "LogStream", resources).role

        working = [self._deliveries, self._deadlines, self._wake_ups]
        watching = [self._alerting, self._exporting]
        watched = [
            *(one.queue for one in (*working, *watching)),
            *(one.failed for one in working),
            unindexed,
            unwatched,
        ]
        uploader = None if deployment.is_local else Uploader(self, "Uploader", deployment, resources)
        values = {
            "uploads_key_id": uploader.key_id if uploader else "",
            "uploads_key_secret": uploader.key_secret if uploader else "",
            **{f"{name}_table": table.table_name for name, table in tables.by_name.items()},
            "data_bucket": resources.data_bucket_name,
            "value_buckets": deployment.value_buckets,
            "secrets_key": key.key_arn,
            "pool_identity_role_arn": resources.pool_identity_role(),
            "run_machine_arn": resources.machine("run"),
            "treatment_machine_arn": resources.machine("treatment"),
            "deliveries_queue_url": self._deliveries.queue.queue_url,
            "deadlines_queue_url": self._deadlines.queue.queue_url,
            "deliveries_queue_arn": self._deliveries.queue.queue_arn,
            "failed_deliveries_queue_arn": self._deliveries.failed.queue_arn,
            "schedules_group": resources.schedules_group,
            "schedules_role_arn": schedules.role.role_arn,
            "wake_ups_queue_url": self._wake_ups.queue.queue_url,
            "alerting_queue_url": self._alerting.queue.queue_url,
            "alerting_queue_arn": self._alerting.queue.queue_arn,
            "alerts_function": deployment.function_name("alerts"),
            "alert_deliveries_function": deployment.function_name("alert_deliveries"),
            "alert_topic_prefix": resources.topic("alerts-"),
            "outbound_hosts": deployment.outbound_hosts,
            "exporting_queue_url": self._exporting.queue.queue_url,
            "work_notification_prefix": resources.work_notification_prefix,
            "cursor_key_parameter": deployment.name("cursor-key"),
            "provider_function_prefix": deployment.name("provider-"),
            "log_stream_name": resources.log_lines_name,
            "log_stream_function": deployment.function_name("log_stream"),
            "log_stream_stack": resources.log_stream_stack_name,
            "log_stream_role_arn": log_stream_role.role_arn,
            "log_stream_policy": deployment.log_stream,
            "failed_log_lines_queue_url": unindexed.queue_url,
            "log_indexer_function": deployment.function_name("log_indexer"),
            "search_index_function": deployment.function_name("search_index"),
            "live_url": live.url,
            "live_endpoint": live.endpoint,
            "live_function": deployment.function_name("live"),
            "stage": deployment.stage,
            # Whose machines are whose, where two installations share an account.
            "installation": resources.installation,
            "gateway_url": api.gateway_url,
            "agent_sha256": agent_sha256(),
            # Only on one machine is the loopback interface the same for the control plane and for the runners.
            "loopback_registries": "resolved" if deployment.is_local else "left",
            "cache_mebibytes": str(deployment.cache_mebibytes),
            "project_cache_mebibytes": str(deployment.project_cache_mebibytes),
            "git_hosts": deployment.git_hosts,
            "retention_days": str(deployment.retention_days),
            "search_endpoint": deployment.search.endpoint,
            "search_region": deployment.search.region,
            "search_secret": deployment.search.secret_arn,
            "search_prefix": deployment.name("lines"),
            "metrics_namespace": f"Cadence/{deployment.stage}" if deployment.cloudwatch_metrics else "",
            "queue_prefix": deployment.name(""),
            "watched_queues": ",".join(queue.queue_url for queue in watched),
        }
        lambdas = Functions(self, "Functions", deployment, resources, values, key.key_arn)
        functions = lambdas.by_folder
        machines = StateMachines(self, "Machines", deployment, resources, functions).by_name
        api.serve(functions)
        live.serve(functions["live"], functions["tunnel"])
        self._connect_queues(functions)
        follow_changes(functions["observe"], tables, unwatched)
        keep_search_index(functions["search_index"], tables.by_name["logs"], unwatched)
        store.tell_of_uploads(functions["melodium_reports"])
        functions["melodium_reports"].configure_async_invoke(
            retry_attempts=2, max_event_age=Duration.hours(6), on_failure=destinations.SqsDestination(unwatched)
        )
        functions["alert_deliveries"].configure_async_invoke(
            retry_attempts=2, max_event_age=Duration.hours(6), on_failure=destinations.SqsDestination(unwatched)
        )
        self._tell_of_broken_executions(resources)
        schedules.let_schedule(functions["api"])
        iam.Role(
            self,
            "PoolIdentity",
            role_name=resources.pool_identity_role_name,
            description="May do nothing. Other clouds that trust AWS know pools by its sessions' names.",
            assumed_by=iam.ArnPrincipal(_role_of(functions["provider_gcp"]).role_arn),
        )
        self._let_listen(functions["api"], resources, deployment)
        self._sweep(functions["sweep"])
        self._keep_log_stream(functions["log_stream"], log_stream_role)
        self._hourly(functions["retention"])

        accept_shared_wildcards(self, resources)
        alarms = Alarms(self, "Alarms", deployment, key)
        alarms.on_dead_letters(
            {
                "deliveries": self._deliveries.failed,
                "deadlines": self._deadlines.failed,
                "wake-ups": self._wake_ups.failed,
                "log-lines": unindexed,
                "watching": unwatched,
            }
        )
        alarms.on_errors(lambdas.log_groups)
        alarms.on_machines(machines)
        alarms.on_indexing(functions["log_indexer"])

        CfnOutput(self, "ApiUrl", value=api.url, description="Address of the API, webhooks and runner gateway.")
        CfnOutput(self, "LiveUrl", value=live.address, description="Address of the WebSocket API for following lines.")
        CfnOutput(
            self,
            "AccessTable",
            value=tables.by_name["access"].table_name,
            description="Where `python -m cadence.setup` puts the first token.",
        )
        CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn, description="Subscribe here to learn of faults.")

    def _secrets_key(self, deployment: Deployment) -> kms.Key:
        return kms.Key(
            self,
            "SecretsKey",
            alias=f"alias/{deployment.name('secrets')}",
            description="Encrypts the secrets of projects and git hosts, and the topic of alarms.",
            enable_key_rotation=True,
            rotation_period=_KEY_ROTATION,
            removal_policy=RemovalPolicy.DESTROY if deployment.is_local else RemovalPolicy.RETAIN,
        )

    def _work_queue(
        self, construct_id: str, name: str, consumer: str, deployment: Deployment, failed: sqs.Queue | None = None
    ) -> WorkQueue:
        timeout = Duration.seconds(SIZES[consumer].timeout)
        return WorkQueue(self, construct_id, deployment, name, timeout, _ATTEMPTS, failed)

    def _connect_queues(self, functions: Mapping[str, lambda_.Function]) -> None:
        consumers = {
            "exports": self._exporting,
            "deliveries": self._deliveries,
            "watchdog": self._deadlines,
            "wake_group": self._wake_ups,
        }
        for folder, work in consumers.items():
            functions[folder].add_event_source_mapping(
                "Queue",
                event_source_arn=work.queue.queue_arn,
                batch_size=_LARGEST_BATCH[folder],
                max_batching_window=_LONGEST_WINDOW.get(folder),
                max_concurrency=_MOST_AT_A_TIME.get(folder),
                report_batch_item_failures=True,
            )

    def _let_listen(self, function: lambda_.Function, resources: Resources, deployment: Deployment) -> None:
        """The first alert rule has the queue of events handed to ``alerts``, the last one ends that: polling costs money while nothing happens."""
        # MiniStack does not know the condition, so there it would refuse.
        only_alerts = {"ArnEquals": {"lambda:FunctionArn": resources.function("alerts")}}
        policy = iam.Policy(
            self,
            "Listen",
            statements=[
                # Neither knows a resource; the condition is what narrows it.
                iam.PolicyStatement(
                    actions=["lambda:CreateEventSourceMapping"],
                    resources=["*"],
                    conditions=None if deployment.is_local else only_alerts,
                ),
                # With the last rule it ends. AWS gives a mapping its id.
                iam.PolicyStatement(
                    actions=["lambda:DeleteEventSourceMapping"],
                    resources=[resources.event_source_mappings()],
                    conditions=None if deployment.is_local else only_alerts,
                ),
                iam.PolicyStatement(actions=["lambda:ListEventSourceMappings"], resources=["*"]),
            ],
        )
        policy.attach_to_role(_role_of(function))
        accept_wildcard(
            policy, resources.event_source_mappings(), "AWS gives a mapping its id; a condition narrows it."
        )
        accept_wildcard(policy, "*", "Creating and listing mappings know no resource; a condition narrows the first.")

    def _tell_of_broken_executions(self, resources: Resources) -> None:
        """Whatever waits for an execution that ended without its own code having said how would wait in vain."""
        machines = [resources.machine(name) for name in ("run", "treatment")]
        events.Rule(
            self,
            "BrokenExecutions",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": machines},
            ),
            targets=[targets.SqsQueue(self._deadlines.queue)],
        )

    def _sweep(self, function: lambda_.Function) -> None:
        """What a look could not ask for is asked for by the next one."""
        function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(5))
        events.Rule(
            self,
            "EveryFiveMinutes",
            schedule=events.Schedule.rate(Duration.minutes(5)),
            targets=[targets.LambdaFunction(function)],
        )

    def _keep_log_stream(self, function: lambda_.Function, role: iam.IRole) -> None:
        """Let ``log_stream`` act through the role, and look every hour whether the stream is still needed."""
        iam.Policy(
            self,
            "PassLogStreamRole",
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
                )
            ],
        ).attach_to_role(_role_of(function))
        # Removing the stack takes a minute or two; a run that begins meanwhile is served by the second or third try.
        function.configure_async_invoke(retry_attempts=2, max_event_age=Duration.hours(1))
        events.Rule(
            self,
            "Hourly",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[targets.LambdaFunction(function)],
        )

    def _hourly(self, function: lambda_.Function) -> None:
        """What one look leaves is left to the next."""
        function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.hours(1))
        rate = events.Schedule.rate(Duration.hours(1))
        events.Rule(function, "Hourly", schedule=rate, targets=[targets.LambdaFunction(function)])


def _role_of(function: lambda_.Function) -> iam.IRole:
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role
