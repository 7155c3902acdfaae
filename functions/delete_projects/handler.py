"""Deletes the projects and organizations that are marked for it; or counts the data of one.

To count, the event is `{"count": {"organization", "project"}}`; the project `*` is the organization.

It is invoked when a deletion is requested, and every hour for those that a call before could not finish.
"""

import time
from typing import Any

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.delete_projects import deleting

_LONGEST_COUNT = 20.0

log = service_logger("delete_projects")
deletions = deleting()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if asked := event.get("count"):
        until = time.monotonic() + _LONGEST_COUNT
        found = deletions.count(asked["organization"], asked["project"], lambda: time.monotonic() > until)
        return {"counts": dict(found.counts), "complete": found.complete}
    done = deletions.work(lambda: context.get_remaining_time_in_millis() / 1000)
    log.info("delete_projects", extra=done)
    return done
