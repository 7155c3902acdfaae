"""Every hour: lines and values of projects that keep less than the installation are removed once they are too old."""

from typing import Any

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.retention import remove_old_runs

log = service_logger("retention")
remove = remove_old_runs()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    done = remove.remove(lambda: context.get_remaining_time_in_millis() / 1000)
    log.info("retention", extra=done)
    return done
