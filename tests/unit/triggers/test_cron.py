"""When schedules fire, by the clocks of their time zones, in AWS's words and in MiniStack's."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import eventbridge

from cadence.domain.triggers.cron import BadCron, NeverFires, eventbridge_expressions, firings, read_cron
from cadence.local.ministack.schedules import due

PARIS = "Europe/Paris"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "expressions"),
    [
        ("0 3 * * *", ["cron(0 3 * * ? *)"]),
        ("*/15 * * * *", ["cron(0,15,30,45 * * * ? *)"]),
        ("30 9-17 * * MON-FRI", ["cron(30 9-17 ? * 2-6 *)"]),
        ("0 0 * * 0,7", ["cron(0 0 ? * 1 *)"]),
        ("5 4 1,15 JAN,jul *", ["cron(5 4 1,15 1,7 ? *)"]),
        ("0 0 13 * 5", ["cron(0 0 13 * ? *)", "cron(0 0 ? * 6 *)"]),
    ],
)
def test_what_eventbridge_is_told(cron, expressions):
    assert list(eventbridge_expressions(read_cron(cron))) == expressions


@pytest.mark.parametrize(
    "cron", ["", "0 3 * *", "@daily", "0 24 * * *", "0 0 0 * *", "a b c d e", "0 0 1W * *", "0 0 * * 5#1"]
)
def test_what_is_no_expression(cron):
    with pytest.raises(BadCron):
        read_cron(cron)


def test_a_day_that_no_month_has():
    with pytest.raises(NeverFires):
        read_cron("0 0 30 2 *")
    assert not read_cron("0 0 29 2 *").often


@pytest.mark.parametrize(
    ("cron", "often"),
    [("*/5 * * * *", False), ("*/4 * * * *", True), ("58,1 * * * *", True), ("58,1 3,5 * * *", False)],
)
def test_which_schedules_come_often(cron, often):
    assert read_cron(cron).often is often


def test_time_zones_and_their_summer_time():
    spring = firings("30 2 * * *", PARIS, at("2026-03-28T00:00"), 3)
    autumn = firings("30 2 * * *", PARIS, at("2026-10-24T12:00"), 2)

    assert spring == [at("2026-03-28T01:30"), at("2026-03-30T00:30"), at("2026-03-31T00:30")]
    assert autumn == [at("2026-10-25T00:30"), at("2026-10-26T01:30")]
    assert firings("0 12 * * *", "Asia/Kolkata", at("2026-01-01T00:00"), 1) == [at("2026-01-01T06:30")]


FIELD = {
    "minute": st.sampled_from(["*", "0", "*/20", "5,35", "30-32"]),
    "hour": st.sampled_from(["*", "0", "2", "*/6", "1-3"]),
    "day": st.sampled_from(["*", "1", "13,28", "29-31"]),
    "month": st.sampled_from(["*", "3", "10", "2-4"]),
    "weekday": st.sampled_from(["*", "0", "1-5", "7", "SAT"]),
}


@given(
    cron=st.tuples(*FIELD.values()).map(" ".join),
    zone=st.sampled_from(["UTC", PARIS, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001
)
def test_the_local_stack_fires_when_it_is_said_to(cron, zone, start):
    """What is shown as the next runs, and what comes of EventBridge's expressions."""
    try:
        expressions = eventbridge_expressions(read_cron(cron))
    except NeverFires:
        return
    after = start.replace(tzinfo=UTC)
    shown = firings(cron, zone, after, 4)
    until = min(shown[-1] if shown else after, after + timedelta(days=400))

    fired = set()
    for expression in expressions:
        fields = eventbridge._parse_cron_fields(expression)
        assert fields is not None, expression
        assert len(expression) <= 256
        fired.update(due(fields, zone, after.timestamp(), until.timestamp()))

    assert sorted(fired) == [moment for moment in shown if moment <= until]
    assert all(moment.astimezone(ZoneInfo(zone)).second == 0 for moment in fired)
