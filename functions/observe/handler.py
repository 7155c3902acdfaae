"""Streams of the tables `logs` and `runs`: publishes new lines, and treatments and runs that ended, as events."""

from typing import Any

from cadence.adapters.dynamodb.exports.changes import read_changes
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.observe import observe as observing

log = service_logger("observe")
observe = observing()


def handler(event: dict[str, Any], context: Any) -> None:
    """Publishes a batch's events.

    After an error the whole batch is delivered again: publishing an event twice does no harm.
    """
    published = observe.observe(read_changes(event["Records"]))
    log.info("observe", extra={"records": len(event["Records"]), "told": published})
