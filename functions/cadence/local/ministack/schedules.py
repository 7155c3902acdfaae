"""Fires recurring schedules as EventBridge Scheduler does, for MiniStack.

MiniStack reads all cron expressions in UTC and does not put the scheduled time into messages; this module does both.
"""

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

TICK_SECONDS = 1.0
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

_original_tick = scheduler._tick_schedules  # noqa: SLF001 (no public way, here and below)
_last_tick: dict[Any, float] = {}
_started_at = time.time()


def install() -> None:
    """Lets the thread of MiniStack's scheduler call `tick` every second."""
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS  # noqa: SLF001
    scheduler._tick_schedules = tick  # noqa: SLF001


def tick() -> None:
    """Fires the schedules that became due since the last tick."""
    now = time.time()
    account, region = get_account_id(), get_region()
    try:
        for key, schedule in list(scheduler._schedules._data.items()):  # noqa: SLF001
            fields = eventbridge._parse_cron_fields(schedule.get("ScheduleExpression", ""))  # noqa: SLF001
            if fields is None:
                continue
            # MiniStack's own tick takes the schedule for just fired.
            scheduler._schedule_last_fired[key] = now  # noqa: SLF001
            since = _last_tick.get(key, max(_started_at, schedule["CreationDate"], _epoch(schedule.get("StartDate"))))
            _last_tick[key] = max(now, since)
            if schedule.get("State") != "ENABLED" or now < since:
                continue
            for moment in due(fields, schedule.get("ScheduleExpressionTimezone") or "UTC", since, now):
                set_request_account_id(key[0])
                set_request_region(key[1])
                _fire(schedule, moment)
    finally:
        set_request_account_id(account)
        set_request_region(region)
    _original_tick()


def due(fields: Any, timezone: str, since: float, now: float) -> list[datetime]:
    """The times in UTC of an expression after `since` and up to `now` (both Unix seconds), without those that a change
    of the
    clocks skips."""
    zone = ZoneInfo(timezone)
    wall = datetime.fromtimestamp(since, zone).replace(tzinfo=UTC)
    found = []
    while (wall := eventbridge._cron_next_fire(fields, wall)) is not None:  # noqa: SLF001
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=UTC) != wall:
            continue  # skipped; its moment may be later than that of the next time
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
