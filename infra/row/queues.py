"""The queues between Lambdas, by name: ``infra.queues`` creates them, rows of Lambdas refer to them."""

from dataclasses import dataclass

# Receives what could not be processed of everything that observes: changes of tables, alerts, exports, uploads. Several
# sources share it, since every dead-letter queue has an alarm, which is billed; messages state where they came from.
WATCHING_FAILED = "watching-failed"
# Receives notes on records of log lines that the indexer could not process.
LOG_LINES_FAILED = "log-lines-failed"


@dataclass(frozen=True)
class Queue:
    """A queue and the dead-letter queue (``failed``) for messages that could not be processed."""

    name: str
    failed: str


def _queue(name: str) -> Queue:
    return Queue(name, f"{name}-failed")


DELIVERIES = _queue("deliveries")
DEADLINES = _queue("deadlines")
WAKE_UPS = _queue("wake-ups")
ALERTING = Queue("alerting", WATCHING_FAILED)
EXPORTING = Queue("exporting", WATCHING_FAILED)

QUEUES = (DELIVERIES, DEADLINES, WAKE_UPS, ALERTING, EXPORTING)
# Every queue, dead-letter queues included: their lengths are metrics.
ALL_QUEUE_NAMES: tuple[str, ...] = (
    *(queue.name for queue in QUEUES),
    *dict.fromkeys(queue.failed for queue in (DELIVERIES, DEADLINES, WAKE_UPS)),
    LOG_LINES_FAILED,
    WATCHING_FAILED,
)
