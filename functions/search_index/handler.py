"""Keeps the search index of log lines.

Indexes the projects that got new lines (stream of the table `logs`), or whose index is due (schedule). The API has it
index dead letters again: `{"redrive": {"organization", "project", "segments": [[run, number]]}}`, where no segments
mean all of the project.
"""

from typing import Any

from cadence.adapters.dynamodb.logs.log_items import FreshItem
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.search_index import search_index

log = service_logger("search_index")
tend = search_index()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Indexes projects.

    After an error the records are delivered again; an error of one project does not stop the others.
    """
    if "Records" in event:
        keys = {record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]}
        done = tend.woken(sorted(FreshItem.project_of(key) for key in keys if FreshItem.is_partition(key)))
    elif "redrive" in event:
        done = tend.redrive(**event["redrive"])
    else:
        done = tend.due(lambda: context.get_remaining_time_in_millis() / 1000)
    log.info("search_index", extra={"records": len(event.get("Records", ())), **done})
    return done
