"""What each Lambda may do, and nothing more: one entry per folder of ``functions/``.

A permission is a list of actions and the words for what they act on; ``Resources`` turns the words into ARNs.
Everything else a Lambda needs (writing its own log group) is added by ``functions``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.resources import Resources

Target = Callable[[Resources], str]


@dataclass(frozen=True)
class Permission:
    """``actions`` allowed on ``targets`` (each an ARN, once the deployment's names are known)."""

    actions: tuple[str, ...]
    targets: tuple[Target, ...]


_READ = ("GetItem", "BatchGetItem", "Query")
_WRITE = ("PutItem", "UpdateItem", "BatchWriteItem", "ConditionCheckItem")


def _may(service: str, actions: tuple[str, ...], *targets: Target) -> Permission:
    return Permission(tuple(f"{service}:{action}" for action in actions), targets)


def _reads(table: str) -> Permission:
    return _may("dynamodb", _READ, lambda names: names.table(table))


def _writes(table: str) -> Permission:
    return _may("dynamodb", _READ + _WRITE, lambda names: names.table(table))


def _writes_and_deletes(table: str) -> Permission:
    return _may("dynamodb", (*_READ, *_WRITE, "DeleteItem"), lambda names: names.table(table))


def _lists_runs() -> Permission:
    return _may("dynamodb", ("Query",), lambda names: names.index("runs", "listing"))


def _gets(prefix: str) -> Permission:
    return _may("s3", ("GetObject",), lambda names: names.data(prefix))


def _puts(prefix: str) -> Permission:
    return _may("s3", ("PutObject",), lambda names: names.data(prefix))


def _sends(queue: str) -> Permission:
    return _may("sqs", ("SendMessage",), lambda names: names.queue(queue))


def _consumes(queue: str) -> Permission:
    actions = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
    return _may("sqs", actions, lambda names: names.queue(queue))


def _starts(machine: str) -> Permission:
    return _may("states", ("StartExecution",), lambda names: names.machine(machine))


def _answers(*machines: str) -> Permission:
    """Answers task tokens of executions of these machines."""
    actions = ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")
    return _may("states", actions, *(_machine(name) for name in machines))


def _machine(name: str) -> Target:
    return lambda names: names.machine(name)


def _invokes(folder: str) -> Permission:
    return _may("lambda", ("InvokeFunction",), lambda names: names.function(folder))


PERMISSIONS: Mapping[str, tuple[Permission, ...]] = {
    "api": (
        _writes_and_deletes("access"),
        _writes("pipelines"),
        _writes("runs"),
        _lists_runs(),
        _writes_and_deletes("runners"),
        _reads("logs"),
        _gets("documents/*"),
        _puts("documents/*"),
        _gets("runs/*"),
        _starts("run"),
        _answers("run", "treatment"),
        _sends("deadlines"),
        _may("sqs", ("CreateQueue", "GetQueueUrl", "DeleteQueue"), lambda names: names.queue("doorbell-*")),
        _may("ssm", ("GetParameter", "PutParameter"), lambda names: names.parameter("cursor-key")),
    ),
    "webhooks": (_reads("access"), _sends("deliveries")),
    "deliveries": (
        _writes("access"),
        _reads("pipelines"),
        _writes("runs"),
        _gets("documents/*"),
        _puts("documents/*"),
        _starts("run"),
        _consumes("deliveries"),
    ),
    "runner_gateway": (
        _writes("access"),
        _writes("runs"),
        _writes_and_deletes("runners"),
        _gets("runs/*"),
        _puts("runs/*"),
        _gets("documents/*"),
        _starts("treatment"),
        _answers("treatment"),
        _may("kinesis", ("PutRecord", "PutRecords"), lambda names: names.log_lines()),
        _may("sqs", ("CreateQueue", "GetQueueUrl", "ReceiveMessage"), lambda names: names.queue("doorbell-*")),
    ),
    "admit": (
        _writes("runs"),
        _gets("documents/*"),
        _starts("treatment"),
        _answers("run"),
        _sends("deadlines"),
        _invokes("log_stream"),
    ),
    "place": (_reads("access"), _writes("runs")),
    "provider_host": (
        _writes("runs"),
        _writes_and_deletes("runners"),
        _answers("treatment"),
        _sends("deadlines"),
        _may("sqs", ("GetQueueUrl", "SendMessage"), lambda names: names.queue("doorbell-*")),
    ),
    "hold": (_writes("runs"), _writes("runners"), _starts("treatment"), _answers("treatment")),
    "settle": (_writes("runs"), _writes("runners"), _starts("treatment"), _answers("run")),
    "stop_run": (_writes("runs"), _writes("runners"), _gets("documents/*"), _answers("run", "treatment")),
    "finalise": (_writes("runs"),),
    "watchdog": (
        _writes("runs"),
        _writes("runners"),
        _starts("run"),
        _answers("run", "treatment"),
        _consumes("deadlines"),
        _sends("deadlines"),
    ),
    "log_indexer": (
        _writes("logs"),
        _puts("runs/*"),
        _may(
            "kinesis",
            ("GetRecords", "GetShardIterator", "DescribeStream", "DescribeStreamSummary", "ListShards"),
            lambda names: names.log_lines(),
        ),
        _sends("log-lines-failed"),
    ),
    "log_stream": (
        _writes("access"),
        _gets("infrastructure/log-stream.json"),
        _puts("infrastructure/log-stream.json"),
        _may("states", ("ListExecutions",), _machine("run")),
        _may(
            "cloudformation",
            ("DescribeStacks", "GetTemplate", "CreateStack", "DeleteStack"),
            lambda names: names.stack(names.log_stream_stack_name),
        ),
    ),
}

# Which Lambdas use the key that encrypts secrets, and how (the key's ARN is known only once it exists).
SECRET_KEY_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "api": ("kms:Encrypt",),
    "webhooks": ("kms:Decrypt",),
    "runner_gateway": ("kms:Decrypt",),
}
