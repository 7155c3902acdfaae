"""Streams of the tables `logs` and `runs`: lines that were written, treatments and runs that ended, told as events."""

from typing import Any

from cadence.adapters.dynamodb.exports.changes import read_changes
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.observe import observe as observing

log = service_logger("observe")
observe = observing()


def handler(event: dict[str, Any], context: Any) -> None:
    """An error lets the whole batch come again: telling an event twice does no harm."""
    told = observe.observe(read_changes(event["Records"]))
    log.info("observe", extra={"records": len(event["Records"]), "told": told})
