"""Recurring schedules as EventBridge Scheduler fires them, for MiniStack.

MiniStack takes all cron expressions for UTC and does not say in a message for which time it is; this does both.
"""

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

TICK_SECONDS = 1.0
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

_others = scheduler._tick_schedules  # noqa: SLF001 (no public way, here and below)
_looked: dict[Any, float] = {}
_began = time.time()


def install() -> None:
    """Let MiniStack's own thread look in this way, each second."""
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS  # noqa: SLF001
    scheduler._tick_schedules = tick  # noqa: SLF001


def tick() -> None:
    """Fire what has become due since the last look."""
    now = time.time()
    account, region = get_account_id(), get_region()
    try:
        for key, schedule in list(scheduler._schedules._data.items()):  # noqa: SLF001
            fields = eventbridge._parse_cron_fields(schedule.get("ScheduleExpression", ""))  # noqa: SLF001
            if fields is None:
                continue
            # MiniStack's own look takes it for just fired.
            scheduler._schedule_last_fired[key] = now  # noqa: SLF001
            since = _looked.get(key, max(_began, schedule["CreationDate"], _epoch(schedule.get("StartDate"))))
            _looked[key] = max(now, since)
            if schedule.get("State") != "ENABLED" or now < since:
                continue
            for moment in due(fields, schedule.get("ScheduleExpressionTimezone") or "UTC", since, now):
                set_request_account_id(key[0])
                set_request_region(key[1])
                _fire(schedule, moment)
    finally:
        set_request_account_id(account)
        set_request_region(region)
    _others()


def due(fields: Any, timezone: str, since: float, now: float) -> list[datetime]:
    """The times (UTC) of an expression after `since` and up to `now`, without those that the clocks skip in spring."""
    zone = ZoneInfo(timezone)
    wall = datetime.fromtimestamp(since, zone).replace(tzinfo=UTC)
    found = []
    while (wall := eventbridge._cron_next_fire(fields, wall)) is not None:  # noqa: SLF001
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=UTC) != wall:
            continue  # skipped, and its moment may be after that of the next one that is not
        if moment.timestamp() > now:
            break
        if moment.timestamp() > since:
            found.append(moment)
    return found


def _fire(schedule: dict[str, Any], moment: datetime) -> None:
    target = dict(schedule["Target"])
    at = moment.isoformat().replace("+00:00", "Z")
    target["Input"] = (target.get("Input") or "{}").replace(_SCHEDULED_TIME, at)
    event = {
        "EventId": f"{schedule['Name']}-{at}",
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": moment.timestamp(),
        "Resources": [schedule["Arn"]],
        "Account": get_account_id(),
        "Region": get_region(),
    }
    eventbridge._invoke_target(target, event, schedule)  # noqa: SLF001


def _epoch(value: Any) -> float:
    return scheduler._to_epoch(value) or 0.0  # noqa: SLF001
