"""Every hour: keeps what is held from expiring, and removes old lines and values of projects with a shorter retention.

It is invoked when a legal hold is set, too.
"""

from typing import Any

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.retention import retaining

log = service_logger("retention")
data = retaining()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    done = data.held.work(seconds_left) | data.old_runs.remove(seconds_left)
    log.info("retention", extra=done)
    return done
