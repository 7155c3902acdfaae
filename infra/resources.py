"""Names and ARNs of everything in a deployment, known before anything is created.

Because ARNs follow from the names alone, two resources may refer to each other (a machine starts Lambdas that
start the machine), and the log stream's stack can be removed and created again without the main one.
"""

from aws_cdk import ArnFormat, Stack

from infra.deployment import Deployment

# Resources without an account in their ARN: images of any owner, and the parameters that AWS publishes.
_OF_AWS = ("image/", "parameter/aws/")


class Resources:
    """Turns the names that permissions use into names and ARNs of one deployment."""

    def __init__(self, stack: Stack, deployment: Deployment) -> None:
        self._stack = stack
        self._deployment = deployment
        self.data_bucket_name = f"{deployment.name('data')}-{stack.account}-{stack.region}"
        self.audit_bucket_name = f"{deployment.name('audit')}-{stack.account}-{stack.region}"
        self.log_stream_stack_name = deployment.name("log-stream")
        self.work_notification_prefix = deployment.name("work-notification-")

    @property
    def installation(self) -> str:
        """Returns the tag of machines of this deployment."""
        return self._deployment.name("").rstrip("-")

    def anywhere(self, service: str, resource: str) -> str:
        """Returns the ARN of a resource of this account in any region: the settings of a pool name its region."""
        account = "" if resource.startswith(_OF_AWS) else self._stack.account
        return f"arn:{self._stack.partition}:{service}:*:{account}:{resource}"

    def runner_roles(self) -> str:
        """Returns the ARN of the roles that pools of this account may give to their runners."""
        return f"arn:{self._stack.partition}:iam::{self._stack.account}:role/cadence-runner-*"

    def table(self, name: str) -> str:
        """Returns the ARN of a table."""
        return self._arn("dynamodb", "table", self._deployment.name(name))

    def changes(self, table: str) -> str:
        """Returns the ARN of the streams of a table's changes (DynamoDB names each after the time of its creation)."""
        return f"{self.table(table)}/stream/*"

    def index(self, table: str, name: str) -> str:
        """Returns the ARN of a table's index."""
        return f"{self.table(table)}/index/{name}"

    @property
    def pool_identity_role_name(self) -> str:
        """Returns the name of the role by which pools are known to infrastructures that trust AWS."""
        return self._deployment.name("pools")

    def pool_identity_role(self) -> str:
        """Returns the ARN of that role."""
        return f"arn:{self._stack.partition}:iam::{self._stack.account}:role/{self.pool_identity_role_name}"

    def data_bucket(self) -> str:
        """Returns the ARN of the data bucket itself."""
        return f"arn:{self._stack.partition}:s3:::{self.data_bucket_name}"

    def data(self, prefix: str) -> str:
        """Returns the ARN of the objects of the data bucket under a prefix (with its ``*``)."""
        return f"{self.data_bucket()}/{prefix}"

    def queue(self, name: str) -> str:
        """Returns the ARN of a queue; ``name`` may end with ``*``."""
        return self._stack.format_arn(service="sqs", resource=self._deployment.name(name))

    def topic(self, name: str) -> str:
        """Returns the ARN of an SNS topic; ``name`` may end with ``*``."""
        return self._stack.format_arn(service="sns", resource=self._deployment.name(name))

    def function(self, folder: str) -> str:
        """Returns the ARN of the Lambda of a folder; ``folder`` may end with ``*``."""
        return self._colon_arn("lambda", "function", self._deployment.function_name(folder))

    def live_connections(self) -> str:
        """Returns the ARN of all connections of the WebSocket API (AWS gives the API its id)."""
        return self._stack.format_arn(service="execute-api", resource="*", resource_name="live/POST/@connections/*")

    def machine(self, name: str) -> str:
        """Returns the ARN of a state machine."""
        return self._colon_arn("states", "stateMachine", self._deployment.name(name))

    def task_tokens(self, machine: str) -> str:
        """Returns the ARN that permissions to answer a state machine's task tokens refer to: in AWS, the machine's.

        MiniStack does not know which machine a token belongs to, and requires the permission on everything.
        """
        return "*" if self._deployment.is_local else self.machine(machine)

    def schedules(self) -> str:
        """Returns the ARN of all schedules of pipelines.

        When MiniStack checks permissions, it assumes that every schedule is in the group `default`.
        """
        group = "default" if self._deployment.is_local else self.schedules_group
        return self._arn("scheduler", "schedule", f"{group}/*")

    @property
    def schedules_group(self) -> str:
        """Returns the name of the group of the schedules of pipelines."""
        return self._deployment.name("pipelines")

    def log_lines(self) -> str:
        """Returns the ARN of the Kinesis stream of log lines."""
        return self._arn("kinesis", "stream", self.log_lines_name)

    @property
    def log_lines_name(self) -> str:
        """Returns the name of the Kinesis stream of log lines."""
        return self._deployment.name("log-lines")

    def stack(self, name: str) -> str:
        """Returns the ARN of every generation of a CloudFormation stack."""
        return self._arn("cloudformation", "stack", f"{name}/*")

    def log_group(self, group: str) -> str:
        """Returns the ARN of the streams of a log group."""
        return self._colon_arn("logs", "log-group", f"{group}:*")

    def event_source_mappings(self) -> str:
        """Returns the ARN of all event source mappings (AWS gives each its id)."""
        return self._colon_arn("lambda", "event-source-mapping", "*")

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(service=service, resource=resource, resource_name=name)

    def _colon_arn(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
