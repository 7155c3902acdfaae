"""Permissions of Lambdas: actions, and the names of the resources that they act on.

``infra.resources.Resources`` turns the names into ARNs of one deployment. The functions build one permission each; the
constants at the end are what several Lambdas need for the same task.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.resources import Resources

# Returns the ARN of a resource in a deployment.
Target = Callable[["Resources"], str]


@dataclass(frozen=True)
class IamPermission:
    """Allows ``actions`` on ``targets``.

    ``conditions`` restrict it: a condition key (``aws:ResourceTag/…``) → what it must be equal to in a deployment.
    ``leading_keys`` restrict it to items of a table whose partition key is like one of them.
    """

    actions: tuple[str, ...]
    targets: tuple[Target, ...]
    conditions: Mapping[str, Target] = field(default_factory=dict)
    leading_keys: tuple[str, ...] = ()


def everything(_: "Resources") -> str:
    """Returns ``*``, for actions that do not act on a resource."""
    return "*"


def may(service: str, actions: tuple[str, ...], *targets: Target) -> IamPermission:
    """Allows actions of one service, given without its prefix."""
    return IamPermission(tuple(f"{service}:{action}" for action in actions), targets)


def items(table: str, *actions: str) -> IamPermission:
    """Allows actions on a table's items.

    Each part of a transaction is an action of its own: that of a part that changes nothing is ``ConditionCheckItem``.
    Conditions of other actions need none.
    """
    return may("dynamodb", actions, lambda names: names.table(table))


def items_under(table: str, prefixes: tuple[str, ...], *actions: str) -> IamPermission:
    """Allows actions on a table's items whose partition key begins with one of ``prefixes``.

    Only for actions that name an item or, like a query, a partition: a scan has none.
    """
    permission = items(table, *actions)
    return replace(permission, leading_keys=tuple(f"{prefix}*" for prefix in prefixes))


def lists_runs() -> IamPermission:
    """Allows queries of the index that lists runs."""
    return may("dynamodb", ("Query",), lambda names: names.index("runs", "listing"))


def gets(*prefixes: str) -> tuple[IamPermission, ...]:
    """Allows reading objects of the data bucket.

    S3 answers "not found" (404) only to callers that may list the bucket, and "denied" (403) to all others.
    """
    objects = may("s3", ("GetObject",), *(_objects(prefix) for prefix in prefixes))
    return objects, lists_objects()


def lists_objects() -> IamPermission:
    """Allows listing the data bucket."""
    return may("s3", ("ListBucket",), lambda names: names.data_bucket())


def puts(prefix: str) -> IamPermission:
    """Allows writing objects of the data bucket."""
    return may("s3", ("PutObject",), _objects(prefix))


def deletes(prefix: str) -> IamPermission:
    """Allows deleting objects of the data bucket."""
    return may("s3", ("DeleteObject",), _objects(prefix))


def deletes_versions(*prefixes: str) -> IamPermission:
    """Allows deleting objects of the data bucket, with all their versions."""
    return may("s3", ("DeleteObject", "DeleteObjectVersion"), *(_objects(prefix) for prefix in prefixes))


def lists_versions() -> IamPermission:
    """Allows listing the data bucket with the versions of its objects."""
    return may("s3", ("ListBucket", "ListBucketVersions"), lambda names: names.data_bucket())


def looks_at(prefix: str) -> IamPermission:
    """Allows reading objects of the data bucket, where it is known that the caller may list the bucket."""
    return may("s3", ("GetObject",), _objects(prefix))


def _objects(prefix: str) -> Target:
    return lambda names: names.data(prefix)


def sends(queue: str) -> IamPermission:
    """Allows sending messages to a queue."""
    return may("sqs", ("SendMessage",), lambda names: names.queue(queue))


def consumes(queue: str) -> IamPermission:
    """Allows receiving a queue's messages. Lambda's poller reads the queue with the function's role."""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return may("sqs", actions, lambda names: names.queue(queue))


def measures(*queues: str) -> IamPermission:
    """Allows reading the lengths of queues."""
    return may("sqs", ("GetQueueAttributes",), *(_queue(name) for name in queues))


def _queue(name: str) -> Target:
    return lambda names: names.queue(name)


def follows(table: str) -> IamPermission:
    """Allows reading a table's changes. Lambda's poller reads them with the function's role."""
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    return may("dynamodb", actions, lambda names: names.changes(table))


def work_notifications(*actions: str) -> IamPermission:
    """Allows using the work notification queues of pools. The first user of a pool's queue creates it."""
    return may("sqs", ("CreateQueue", *actions), lambda names: names.queue("work-notification-*"))


def log_lines(*actions: str) -> IamPermission:
    """Allows actions on the Kinesis stream of log lines."""
    return may("kinesis", actions, lambda names: names.log_lines())


def invokes(folder: str) -> IamPermission:
    """Allows invoking a Lambda; ``folder`` may end with ``*``."""
    return may("lambda", ("InvokeFunction",), lambda names: names.function(folder))


def invokes_providers() -> IamPermission:
    """Allows invoking the Lambdas of all providers."""
    return invokes("provider_*")


def schedules(*actions: str) -> IamPermission:
    """Allows actions on the schedules of pipelines."""
    return may("scheduler", actions, lambda names: names.schedules())


def starts(machine: str) -> IamPermission:
    """Allows starting executions of a state machine."""
    return may("states", ("StartExecution",), lambda names: names.machine(machine))


def answers(machine: str, *outcomes: str) -> IamPermission:
    """Allows answering task tokens of a state machine's executions with these outcomes (``Success``, ``Failure``)."""
    return may("states", tuple(f"SendTask{outcome}" for outcome in outcomes), lambda names: names.task_tokens(machine))


def manages_connections() -> IamPermission:
    """Allows sending messages to connections of the WebSocket API, and closing them."""
    return may("execute-api", ("ManageConnections",), lambda names: names.live_connections())


# Delivering edges starts the consumers that became ready, skips those that cannot become ready, and answers the run's
# machine once all its treatments have settled.
FEEDS = (
    items("runs", "GetItem", "Query", "BatchGetItem", "UpdateItem"),
    # The places of a group that limits how many of its instances run at a time.
    items("runs", "PutItem"),
    starts("treatment"),
    answers("run", "Success"),
    sends("wake-ups"),
)
# Making instances of an `each` treatment, from the chunks of a value.
GROWS = (
    items("runners", "GetItem"),
    # Instances are made in a transaction that checks that the run is not to be stopped.
    items("runs", "ConditionCheckItem"),
    *gets("runs/*"),
    puts("runs/*"),
    answers("treatment", "Success", "Failure"),
)
# Writing the treatments and edges of a run, if they are not there yet.
ADMITS = (items("runs", "PutItem", "BatchWriteItem"), *gets("documents/*"))
# Ending the runners of a treatment that ends, and recording the values that they sent.
SETTLES = (items("runs", "BatchWriteItem"), items("runners", "GetItem", "Query", "UpdateItem"))
# The token of an engine ends with its runner, also with one that is lost.
ENDS_TOKENS = items_under("access", ("ENGINETOKEN#",), "DeleteItem")
# Which secrets of the organization, its teams and pools are given to a treatment's project.
READS_SHARED_SECRETS = items_under("access", ("SHAREDSECRETS#",), "Query")
# Entries of the audit log, what remembers those that are made once an hour, and when tokens were last used.
NOTES_AUDIT = items_under("access", ("AUDIT#", "AUDITED#", "TOKENUSE#"), "PutItem")
# A run's end lets treatments and pipelines continue that wait for it.
ANNOUNCES_ENDS = (items("pipelines", "Query"), answers("treatment", "Success"), sends("deliveries"))

# Concurrency limits: leaving one admits others, and starts or answers their machines.
_LIMITS = (
    items("access", "GetItem"),
    items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
    sends("deadlines"),
)
# A treatment may wait for a run that ends before it began.
RUN_GATES = (*_LIMITS, starts("run"), answers("run", "Failure"), answers("treatment", "Success"))
RUNNER_SLOTS = (*_LIMITS, answers("treatment", "Success"))
