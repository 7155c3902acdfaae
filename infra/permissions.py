"""What each Lambda may do, and nothing more: one entry per folder of ``functions/``.

A permission is a list of actions and the words for what they act on; ``Resources`` turns the words into ARNs.
Everything else a Lambda needs (writing its own log group) is added by ``functions``.
"""

from collections.abc import Mapping

from infra.permission import Permission, Target
from infra.providers import PROVIDER_LAMBDAS, folder


def _may(service: str, actions: tuple[str, ...], *targets: Target) -> Permission:
    return Permission(tuple(f"{service}:{action}" for action in actions), targets)


def _items(table: str, *actions: str) -> Permission:
    """Of a transaction each part is a right of its own; conditions need none beside it."""
    return _may("dynamodb", actions, lambda names: names.table(table))


def _lists_runs() -> Permission:
    return _may("dynamodb", ("Query",), lambda names: names.index("runs", "listing"))


def _gets(*prefixes: str) -> tuple[Permission, ...]:
    """S3 answers "not there" (404) only to who may list the bucket, and "denied" (403) to all others."""
    objects = _may("s3", ("GetObject",), *(_objects(prefix) for prefix in prefixes))
    return objects, _may("s3", ("ListBucket",), lambda names: names.data_bucket())


def _puts(prefix: str) -> Permission:
    return _may("s3", ("PutObject",), _objects(prefix))


def _objects(prefix: str) -> Target:
    return lambda names: names.data(prefix)


def _sends(queue: str) -> Permission:
    return _may("sqs", ("SendMessage",), lambda names: names.queue(queue))


def _consumes(queue: str) -> Permission:
    """With these, Lambda's own poller reads the queue as the function's role."""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return _may("sqs", actions, lambda names: names.queue(queue))


def _follows(table: str) -> Permission:
    """With these, Lambda's own poller reads a table's changes as the function's role."""
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    return _may("dynamodb", actions, lambda names: names.changes(table))


def _queue(name: str) -> Target:
    return lambda names: names.queue(name)


def _work_notifications(*actions: str) -> Permission:
    """Whoever uses a pool's work notification first creates it."""
    return _may("sqs", ("CreateQueue", *actions), lambda names: names.queue("work-notification-*"))


def _starts(machine: str) -> Permission:
    return _may("states", ("StartExecution",), _machine(machine))


def _answers(machine: str, *answers: str) -> Permission:
    """Answers task tokens of a machine's executions, in these ways."""
    return _may("states", tuple(f"SendTask{answer}" for answer in answers), lambda names: names.task_tokens(machine))


def _delivers_alerts() -> Permission:
    return _may("lambda", ("InvokeFunction",), lambda names: names.function("alert_deliveries"))


def _asks_providers() -> Permission:
    return _may("lambda", ("InvokeFunction",), lambda names: names.function("provider_*"))


def _schedules(*actions: str) -> Permission:
    return _may("scheduler", actions, lambda names: names.schedules())


def _machine(name: str) -> Target:
    return lambda names: names.machine(name)


# Delivering edges starts the consumers that became ready, skips those that cannot become so, and answers the run's
# machine once all its treatments have settled.
_FEEDS = (
    _items("runs", "GetItem", "Query", "BatchGetItem", "UpdateItem"),
    # The places of a group that bounds its instances.
    _items("runs", "PutItem"),
    _starts("treatment"),
    _answers("run", "Success"),
    _sends("wake-ups"),
)
# Making instances of an `each` treatment, from the chunks of a value.
_GROWS = (_items("runners", "GetItem"), *_gets("runs/*"), _puts("runs/*"), _answers("treatment", "Success", "Failure"))
# Writing what a run consists of, if that is not there yet.
_ADMITS = (_items("runs", "PutItem", "BatchWriteItem"), *_gets("documents/*"))
# The runners of a treatment that ends, and the values that they sent.
_SETTLES = (_items("runs", "BatchWriteItem"), _items("runners", "GetItem", "Query", "UpdateItem"))
# The token of an engine ends with its runner, also with one that is lost.
_ENDS_TOKENS = _items("access", "DeleteItem")
# A run's end lets treatments and pipelines go on that wait for it.
_TELLS_OF_ENDS = (_items("pipelines", "Query"), _answers("treatment", "Success"), _sends("deliveries"))

# Concurrency limits: whoever leaves one lets others in, and starts or answers their machines.
_LIMITS = (
    _items("access", "GetItem"),
    _items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
    _sends("deadlines"),
)
# A run that ends before it began may be waited for by a treatment.
_RUN_GATES = (*_LIMITS, _starts("run"), _answers("run", "Failure"), _answers("treatment", "Success"))
_RUNNER_SLOTS = (*_LIMITS, _answers("treatment", "Success"))

# What the Lambda of every provider does whose machines call home.
_PROVIDES = (
    _items("access", "GetItem"),
    _items("runs", "GetItem", "BatchGetItem"),
    _items("runners", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
    _answers("treatment", "Success", "Failure"),
    _sends("deadlines"),
)

# Queues whose length is told as metrics, with those of what could not be processed.
WATCHED_QUEUES = (
    "deliveries",
    "deadlines",
    "wake-ups",
    "alerting",
    "exporting",
    "deliveries-failed",
    "deadlines-failed",
    "wake-ups-failed",
    "log-lines-failed",
    "watching-failed",
)


PERMISSIONS: Mapping[str, tuple[Permission, ...]] = {
    **{folder(name): (*_PROVIDES, *row.permissions) for name, row in PROVIDER_LAMBDAS.items()},
    "api": (
        _items("access", "GetItem", "Query", "PutItem", "DeleteItem"),
        _items("pipelines", "GetItem", "Query", "PutItem"),
        _items("runs", "GetItem", "Query", "PutItem", "UpdateItem"),
        _lists_runs(),
        # That somebody follows a run's log is noted for its runners.
        _items("runners", "GetItem", "Query", "PutItem"),
        # A trace reads what it comes past, many items at a time.
        _items("runners", "BatchGetItem"),
        _items("logs", "GetItem", "Query", "BatchGetItem"),
        *_gets("documents/*", "runs/*", "splits/*"),
        # What was set aside is shown, tried again or discarded; how long a project's data is kept is set.
        *_gets("aside/*"),
        _may("s3", ("DeleteObject",), _objects("aside/*")),
        _items("logs", "UpdateItem", "DeleteItem"),
        _may("lambda", ("InvokeFunction",), lambda names: names.function("log_indexer")),
        _may("lambda", ("InvokeFunction",), lambda names: names.function("search_index")),
        _puts("documents/*"),
        # Quotas and limits are raised, approvals decided: whoever waits goes on.
        *_RUN_GATES,
        _items("access", "UpdateItem"),
        _answers("treatment", "Success"),
        _schedules("CreateSchedule", "DeleteSchedule"),
        # Metrics, and exports with what is kept for them.
        _items("telemetry", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
        _sends("exporting"),
        _may("sqs", ("GetQueueAttributes",), *(_queue(name) for name in WATCHED_QUEUES)),
        # Alert rules are kept, tested, and tried on past runs.
        _items("alerts", "GetItem", "Query", "PutItem", "DeleteItem", "BatchWriteItem"),
        _items("runners", "BatchGetItem"),
        _sends("alerting"),
        _delivers_alerts(),
        # Credentials of a pool that is removed go with it; a pool is probed when it was changed.
        _asks_providers(),
        # A runner is held, or let go.
        _items("runners", "UpdateItem"),
    ),
    "webhooks": (_items("access", "GetItem"), _puts("deliveries/*"), _sends("deliveries")),
    "deliveries": (
        # A document is checked again before a run whose plan depends on the run.
        _items("access", "GetItem", "Query", "PutItem", "UpdateItem"),
        _items("pipelines", "GetItem", "Query"),
        *_RUN_GATES,
        *_gets("deliveries/*", "documents/*"),
        _puts("documents/*"),
        # A schedule that fires although its pipeline no longer has it.
        _schedules("DeleteSchedule"),
        _consumes("deliveries"),
    ),
    "runner_gateway": (
        _items("access", "GetItem"),
        # The tokens of engines, from their claim to their end.
        _items("access", "PutItem", "DeleteItem"),
        *_FEEDS,
        *_SETTLES,
        *_RUNNER_SLOTS,
        _items("runners", "BatchGetItem", "PutItem", "DeleteItem", "BatchWriteItem"),
        # Agents use these by the URLs that the gateway signs; to make room for caches, it deletes them itself.
        *_gets("runs/*", "caches/*", "documents/*"),
        _puts("runs/*"),
        _puts("caches/*"),
        _may("s3", ("DeleteObject",), _objects("caches/*")),
        _work_notifications("ReceiveMessage", "SendMessage"),
        _answers("treatment", "Success", "Failure"),
        _may("kinesis", ("PutRecords",), lambda names: names.log_lines()),
    ),
    "melodium": (
        _items("access", "GetItem", "Query"),
        # A process that has ended leaves what it did not end.
        _items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"),
        # A worker is a run, with keys of its own, and says where it listens.
        *_RUN_GATES,
        _items("runners", "GetItem", "PutItem"),
        _puts("documents/*"),
        # A worker is given what its engine knows: what is masked of the one is masked of the other.
        *_gets("runs/*/melodium/secrets"),
        _puts("runs/*/melodium/secrets"),
        # Engines use this by what it signs.
        _puts("uploads/*"),
        _sends("deadlines"),
        # What the engine will say needs the log stream.
        _may("lambda", ("InvokeFunction",), lambda names: names.function("log_stream")),
    ),
    "melodium_reports": (
        _items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"),
        # It reads what came, keeps it without secrets, and removes it.
        *_gets("uploads/*", "runs/*"),
        _puts("runs/*"),
        _may("s3", ("DeleteObject",), _objects("uploads/*")),
        _may("kinesis", ("PutRecords",), lambda names: names.log_lines()),
        # Where an upload goes that Lambda gave up.
        _sends("watching-failed"),
    ),
    "admit": (
        *_FEEDS,
        *_ADMITS,
        # The secrets of private registries.
        _items("access", "GetItem", "BatchGetItem"),
        # The plan with its images' digests.
        _puts("documents/*"),
        _answers("run", "Failure"),
        _sends("deadlines"),
        _may("lambda", ("InvokeFunction",), lambda names: names.function("log_stream")),
    ),
    "place": (
        _items("access", "GetItem", "Query"),
        *_RUNNER_SLOTS,
        _items("runs", "BatchGetItem"),
        # Runners for hosts are offered where their place is decided.
        _items("runners", "GetItem", "PutItem", "UpdateItem"),
        # Which pools had no room a moment ago.
        _items("runners", "Query"),
        _answers("treatment", "Success", "Failure"),
        _sends("deadlines"),
        _work_notifications("SendMessage"),
    ),
    "provider_host": (
        _items("runs", "GetItem", "BatchGetItem"),
        _items("runners", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
        _answers("treatment", "Success", "Failure"),
        _sends("deadlines"),
        _work_notifications("SendMessage"),
    ),
    "sweep": (_items("access", "Query"), _items("runners", "GetItem", "Query"), _asks_providers()),
    "settle": (*_FEEDS, *_SETTLES, *_RUNNER_SLOTS, _ENDS_TOKENS),
    "act": (
        *_FEEDS,
        *_GROWS,
        _items("runs", "BatchWriteItem"),
        # A treatment of kind `trigger` checks and starts another pipeline.
        *_RUN_GATES,
        _items("access", "GetItem", "Query"),
        _items("pipelines", "GetItem"),
        *_gets("documents/*"),
        _puts("documents/*"),
    ),
    # It also cancels the other instances after one has failed.
    "wake_group": (*_FEEDS, *_GROWS, *_RUNNER_SLOTS, _items("runners", "UpdateItem"), _consumes("wake-ups")),
    "stop_run": (
        *_FEEDS,
        *_ADMITS,
        *_RUNNER_SLOTS,
        _items("runners", "UpdateItem"),
        _answers("run", "Failure"),
        _answers("treatment", "Failure"),
    ),
    "finalise": (*_RUN_GATES, *_TELLS_OF_ENDS),
    "watchdog": (
        # When an execution broke, the watchdog settles what it was to settle.
        *_FEEDS,
        *_SETTLES,
        *_RUN_GATES,
        _answers("treatment", "Failure"),
        _ENDS_TOKENS,
        *_TELLS_OF_ENDS,
        _consumes("deadlines"),
        # Whether machines are there for what is offered to them, or in another pool that fits.
        _items("runners", "Query"),
        _items("access", "GetItem"),
        # What may only pass is removed, with what is noted of its digests.
        _items("runners", "DeleteItem"),
        _may("s3", ("ListBucket",), lambda names: names.data_bucket()),
        _may("s3", ("DeleteObject",), _objects("runs/*")),
    ),
    "observe": (
        _items("access", "BatchGetItem"),
        _items("runs", "BatchGetItem"),
        _items("runners", "BatchGetItem"),
        _follows("runs"),
        _follows("logs"),
        _sends("watching-failed"),
        _sends("alerting"),
        _sends("exporting"),
    ),
    "exports": (
        _items("access", "GetItem", "Query"),
        # Runs that are sent once more, and how many are under way.
        _items("runs", "BatchGetItem", "Query"),
        _lists_runs(),
        _items("runners", "BatchGetItem", "Query"),
        _items("logs", "Query"),
        _items("telemetry", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
        *_gets("runs/*"),
        _consumes("exporting"),
        _sends("exporting"),
    ),
    "alerts": (
        # Whether a run is a replay.
        _items("runs", "GetItem"),
        _items("alerts", "GetItem", "Query", "PutItem", "BatchWriteItem"),
        *_gets("runs/*"),
        # When an alert is to be looked at again.
        _sends("alerting"),
        _delivers_alerts(),
        _consumes("alerting"),
    ),
    "alert_deliveries": (
        _items("alerts", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
        # A channel's topic is made when it is first used.
        _may("sns", ("CreateTopic", "Publish"), lambda names: names.topic("alerts-*")),
        _sends("alerting"),
        _delivers_alerts(),
        # Where a delivery goes that Lambda gave up.
        _sends("watching-failed"),
    ),
    "live": (
        _items("access", "GetItem", "Query"),
        _items("runs", "GetItem"),
        _items("runners", "PutItem"),
        _items("logs", "Query", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
        *_gets("runs/*"),
        _may("execute-api", ("ManageConnections",), lambda names: names.live_connections()),
    ),
    "tunnel": (
        _items("access", "GetItem"),
        _items("runs", "GetItem"),
        _items("runners", "GetItem", "Query", "PutItem"),
        _may("execute-api", ("ManageConnections",), lambda names: names.live_connections()),
    ),
    "log_indexer": (
        _may("lambda", ("InvokeFunction",), lambda names: names.function("live")),
        _items("runs", "GetItem"),
        _items("logs", "Query", "BatchGetItem", "PutItem"),
        _puts("runs/*"),
        # Records that are set aside, and written after all.
        _items("logs", "GetItem", "DeleteItem"),
        *_gets("aside/*"),
        _puts("aside/*"),
        _may("s3", ("DeleteObject",), _objects("aside/*")),
        _may(
            "kinesis",
            ("GetRecords", "GetShardIterator", "DescribeStream", "DescribeStreamSummary", "ListShards"),
            lambda names: names.log_lines(),
        ),
        _sends("log-lines-failed"),
    ),
    "search_index": (
        _items("logs", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
        *_gets("runs/*", "splits/*"),
        _puts("splits/*"),
        _may("s3", ("DeleteObject",), _objects("splits/*")),
        _follows("logs"),
        _sends("watching-failed"),
    ),
    "retention": (
        _items("logs", "Query", "UpdateItem"),
        _items("runs", "Query", "UpdateItem"),
        _lists_runs(),
        _may("s3", ("ListBucket",), lambda names: names.data_bucket()),
        _may("s3", ("DeleteObject",), _objects("runs/*")),
    ),
    "log_stream": (
        _items("access", "GetItem", "PutItem"),
        *_gets("infrastructure/log-stream.json"),
        _puts("infrastructure/log-stream.json"),
        # What fell out of the stream is set aside.
        _consumes("log-lines-failed"),
        _may("kinesis", ("GetRecords", "GetShardIterator"), lambda names: names.log_lines()),
        _items("runs", "GetItem"),
        _items("logs", "PutItem"),
        _puts("aside/*"),
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
    "api": ("kms:Encrypt", "kms:Decrypt"),
    "webhooks": ("kms:Decrypt",),
    # The secrets by which digests are asked of private registries.
    "admit": ("kms:Decrypt",),
    # The access tokens of git hosts.
    "deliveries": ("kms:Decrypt",),
    "runner_gateway": ("kms:Decrypt",),
    # The keys of workers.
    "melodium": ("kms:Encrypt", "kms:Decrypt"),
    # The credentials of exports.
    "exports": ("kms:Decrypt",),
    # What channels need to be used.
    "alert_deliveries": ("kms:Decrypt",),
    # The credentials of pools, and the one-time tokens of runners that are still to call home.
    **{folder(name): ("kms:Encrypt", "kms:Decrypt") for name in PROVIDER_LAMBDAS},
}

# A provider's Lambda uses the key only for what is bound to its own name.
SECRET_KEY_CONTEXTS: Mapping[str, Mapping[str, str]] = {folder(name): {"provider": name} for name in PROVIDER_LAMBDAS}

# IAM and botocore name one service differently.
_BOTOCORE_NAMES = {
    "states": "stepfunctions",
    "servicequotas": "service-quotas",
    "execute-api": "apigatewaymanagementapi",
}


# Which Lambdas ask the search service, if the deployment has one: actions, and paths below its address (`INDICES` for the
# names of its indices, all of which begin alike).
INDICES = "*INDICES*"
SEARCH_SERVICE: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "api": ((("ESHttpPost",), f"{INDICES}/_search"),),
    "search_index": (
        (("ESHttpPost",), "_bulk"),
        (("ESHttpGet",), f"_cat/indices/{INDICES}"),
        # Making and removing indices, and what is asked of them.
        (("ESHttpPost", "ESHttpPut", "ESHttpDelete"), INDICES),
    ),
}


# What Lambdas do with buckets that pools keep their values in, where the deployment names any: actions, on keys that begin so.
VALUE_BUCKETS: Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    # It shows what is kept. Whether a bucket can be used is tried under a prefix of its own.
    "api": ((("GetObject",), ("runs/*", "probe/*")), (("PutObject", "DeleteObject"), ("probe/*",))),
    # Agents use these by the URLs that the gateway signs.
    "runner_gateway": ((("GetObject", "PutObject"), ("runs/*", "caches/*")), (("DeleteObject",), ("caches/*",))),
    "act": ((("GetObject", "PutObject"), ("runs/*",)),),
    "watchdog": ((("DeleteObject",), ("runs/*",)),),
    "retention": ((("DeleteObject",), ("runs/*",)),),
}
# Of the buckets themselves.
VALUE_BUCKET_ACTIONS: Mapping[str, tuple[str, ...]] = {
    folder: ("ListBucket", "GetLifecycleConfiguration") if folder == "api" else ("ListBucket",)
    for folder in VALUE_BUCKETS
}


def called_services(folder: str) -> frozenset[str]:
    """The AWS services that a Lambda may call, as botocore names them."""
    actions = [action for permission in PERMISSIONS[folder] for action in permission.actions]
    prefixes = {action.partition(":")[0] for action in (*actions, *SECRET_KEY_ACTIONS.get(folder, ()))}
    if folder in SEARCH_SERVICE:
        prefixes.add("secretsmanager")
    return frozenset(_BOTOCORE_NAMES.get(prefix, prefix) for prefix in prefixes)
