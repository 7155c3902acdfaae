"""Every hour: removes old lines and values of projects with a shorter retention than the installation's."""

from typing import Any

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.retention import remove_old_runs

log = service_logger("retention")
remove = remove_old_runs()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    done = remove.remove(lambda: context.get_remaining_time_in_millis() / 1000)
    log.info("retention", extra=done)
    return done
