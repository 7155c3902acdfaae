"""Keeps the search index of log lines.

The projects that got new lines (stream of the table `logs`), or whose index is due (schedule): their index is tended.
The API has it index what was set aside once more: `{"redrive": {"organization", "project", "segments": [[run, number]]}}`,
where without segments all of the project's are meant.
"""

from typing import Any

from cadence.adapters.dynamodb.logs.log_index import FreshItem
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.search_index import search_index

log = service_logger("search_index")
tend = search_index()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """An error lets the records come again; what one project's index meets does not stop the others'."""
    if "Records" in event:
        keys = {record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]}
        done = tend.woken(sorted(FreshItem.project_of(key) for key in keys if FreshItem.is_partition(key)))
    elif "redrive" in event:
        done = tend.redrive(**event["redrive"])
    else:
        done = tend.due(lambda: context.get_remaining_time_in_millis() / 1000)
    log.info("search_index", extra={"records": len(event.get("Records", ())), **done})
    return done
