"""The ways in which a Lambda is invoked: each in words, and with the permissions that Lambda's pollers need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infra.row.permissions import IamPermission, consumes, follows, log_lines, sends
from infra.row.queues import LOG_LINES_FAILED, WATCHING_FAILED, Queue


class LambdaTrigger(Protocol):
    """One way in which a Lambda is invoked."""

    @property
    def permissions(self) -> tuple[IamPermission, ...]:
        """Returns what the Lambda's role needs for being invoked in this way."""
        ...

    def __str__(self) -> str: ...


class _NeedsNothing:
    @property
    def permissions(self) -> tuple[IamPermission, ...]:
        return ()


@dataclass(frozen=True)
class Throttle:
    """What API Gateway lets through in AWS, and answers with 429 beyond: requests a second, and at once."""

    rate: int
    burst: int


@dataclass(frozen=True)
class HttpRoutes(_NeedsNothing):
    """Requests to the HTTP API: ``(method, path)`` each. Without any, all requests that no other route names.

    Each route has a ``throttle`` of its own, or else that of the API.
    """

    routes: tuple[tuple[str, str], ...] = ()
    throttle: Throttle | None = None

    def __str__(self) -> str:
        named = ", ".join(f"`{method} {path}`" for method, path in self.routes)
        return f"HTTP API: {named or 'all other requests'}"


@dataclass(frozen=True)
class WebSocketRoutes(_NeedsNothing):
    """Messages of the WebSocket API, by route."""

    routes: tuple[str, ...]

    def __str__(self) -> str:
        return f"WebSocket API: {', '.join(f'`{route}`' for route in self.routes)}"


@dataclass(frozen=True)
class MachineTask(_NeedsNothing):
    """States of a state machine, by the machine's and the states' names."""

    machine: str
    states: tuple[str, ...]

    def __str__(self) -> str:
        return f"state machine `{self.machine}`: {', '.join(self.states)}"


@dataclass(frozen=True, kw_only=True)
class QueueMessages:
    """Messages of a queue, ``batch`` at most at a time.

    ``window`` is how many seconds Lambda collects messages for a batch, ``concurrency`` how many batches it
    processes at a time. ``mapped_at_runtime`` leaves it to the control plane to connect the queue while it is needed.
    """

    queue: Queue
    batch: int = 10
    window: int | None = None
    concurrency: int | None = None
    mapped_at_runtime: bool = False

    @property
    def permissions(self) -> tuple[IamPermission, ...]:
        return (consumes(self.queue.name),)

    def __str__(self) -> str:
        return f"queue `{self.queue.name}`" + (" (while there are alert rules)" if self.mapped_at_runtime else "")


@dataclass(frozen=True, kw_only=True)
class TableChanges:
    """Changes of a table that match one of ``filters`` (patterns of Lambda's event filtering).

    ``batch`` changes at most, collected for ``window`` seconds, ``parallel`` batches of a shard at a time. A batch
    is retried ``retries`` times, then noted in the queue ``watching-failed``.
    """

    table: str
    filters: tuple[Mapping[str, Any], ...]
    batch: int
    window: int
    retries: int
    parallel: int | None = None

    @property
    def permissions(self) -> tuple[IamPermission, ...]:
        return follows(self.table), sends(WATCHING_FAILED)

    def __str__(self) -> str:
        return f"changes of the table `{self.table}`"


@dataclass(frozen=True)
class LogLineRecords:
    """Records of the Kinesis stream of log lines; ``LogStreamStack`` connects it."""

    @property
    def permissions(self) -> tuple[IamPermission, ...]:
        reads = ("GetRecords", "GetShardIterator", "DescribeStream", "DescribeStreamSummary", "ListShards")
        return log_lines(*reads), sends(LOG_LINES_FAILED)

    def __str__(self) -> str:
        return "stream `log-lines`"


@dataclass(frozen=True)
class NewObjects(_NeedsNothing):
    """New objects of the data bucket whose keys begin with ``prefix``."""

    prefix: str

    def __str__(self) -> str:
        return f"new objects `{self.prefix}…` of the bucket"


@dataclass(frozen=True)
class Every(_NeedsNothing):
    """A schedule, once in so many minutes."""

    minutes: int

    def __str__(self) -> str:
        return "every hour" if self.minutes == 60 else f"every {self.minutes} minutes"


@dataclass(frozen=True)
class InvokedBy(_NeedsNothing):
    """Other Lambdas, by their folders; their rows hold the permissions."""

    folders: tuple[str, ...]

    def __str__(self) -> str:
        return f"invoked by {', '.join(f'`{folder}`' for folder in self.folders)}"
