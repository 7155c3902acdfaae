"""When an alert opens, is told of and closes; repeated, late and shuffled events change nothing."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.alerts.lifecycle import OccurrenceCount, most_within
from cadence.domain.alerts.silence import Silence
from tests.fakes.alerts import START, Alerting, line, rule, treatment_event

MINUTE = timedelta(minutes=1)
FAILED: dict[str, Any] = {"treatment": {}}


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def test_a_failure_is_told_once_and_its_recovery_too() -> None:
    alerting = Alerting(rule(FAILED))
    failure = treatment_event(at(0), "run-1")
    alerting.evaluate.evaluate(failure)
    alerting.evaluate.evaluate(failure)
    alerting.clock.advance(MINUTE)
    success = treatment_event(at(60), "run-2", "succeeded")
    alerting.evaluate.evaluate(success)
    alerting.evaluate.evaluate(success)
    alerting.evaluate.evaluate(failure)  # it comes once more, long after
    assert alerting.told == ["firing", "resolved"]
    _, message = alerting.store.messages[0]
    assert "exit code 1" in message.summary and message.labels == {
        "project": "p",
        "pipeline": "app",
        "treatment": "build",
    }


def test_a_recovery_that_comes_before_the_failure_that_it_follows_leaves_nothing_open() -> None:
    alerting = Alerting(rule(FAILED))
    alerting.evaluate.evaluate(treatment_event(at(60), "run-2", "succeeded"))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    assert alerting.told == []


def test_a_success_from_before_the_failure_is_no_recovery() -> None:
    alerting = Alerting(rule(FAILED))
    alerting.evaluate.evaluate(treatment_event(at(60), "run-2"))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1", "succeeded"))
    assert alerting.told == ["firing"]


def test_without_a_recovery_it_is_over_after_a_time_without_news() -> None:
    alerting = Alerting(rule(FAILED, resolve={"after": 600}, cooldown=0))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    alerting.pass_time(timedelta(seconds=590))
    assert alerting.told == ["firing"]
    alerting.pass_time(timedelta(seconds=20))
    assert alerting.told == ["firing", "resolved"]
    assert not alerting.notifier.looks


def test_within_the_cooldown_there_is_one_message_and_then_one_for_all_that_came_since() -> None:
    alerting = Alerting(rule(FAILED, cooldown=600, resolve={"on_recovery": False}))
    for second in range(0, 300, 10):
        alerting.clock.now = at(second)
        alerting.evaluate.evaluate(treatment_event(at(second), f"run-{second}"))
    assert alerting.told == ["firing"]
    alerting.pass_time(timedelta(seconds=400))
    assert alerting.told == ["firing", "still_firing"]
    assert "29 more since the last message" in alerting.store.messages[-1][1].summary
    alerting.pass_time(timedelta(hours=3))
    assert alerting.told == ["firing", "still_firing", "resolved"]


def test_what_opens_again_within_the_cooldown_is_told_when_that_is_over_if_it_is_still_there() -> None:
    alerting = Alerting(rule(FAILED, cooldown=600))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    alerting.clock.now = at(10)
    alerting.evaluate.evaluate(treatment_event(at(10), "run-2", "succeeded"))
    alerting.clock.now = at(20)
    alerting.evaluate.evaluate(treatment_event(at(20), "run-3"))
    assert alerting.told == ["firing", "resolved"]
    alerting.pass_time(timedelta(seconds=600))
    assert alerting.told == ["firing", "resolved", "firing"]


def test_flapping_within_the_cooldown_is_not_told_at_all() -> None:
    alerting = Alerting(rule(FAILED, cooldown=3600))
    for number in range(20):
        alerting.clock.now = at(number * 20)
        alerting.evaluate.evaluate(
            treatment_event(at(number * 20), f"run-{number}", "succeeded" if number % 2 else "failed")
        )
    alerting.pass_time(timedelta(hours=2))
    assert alerting.told == ["firing", "resolved"]


def test_a_silenced_alert_is_kept_and_told_once_the_silence_is_over() -> None:
    alerting = Alerting(rule(FAILED, resolve={"after": 7200}))
    silence = Silence(
        silence_id="s",
        organization="o",
        project="p",
        where={"treatment": "bu*"},
        starts_at=START,
        ends_at=START + timedelta(minutes=20),
        comment="",
        created_by="me",
    )
    alerting.directory.silences.append(silence)
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    assert alerting.told == []
    assert [alert.open for alert in alerting.store.alerts.values()] == [True]
    alerting.pass_time(timedelta(minutes=21))
    assert alerting.told == ["firing"]


def test_a_silence_is_for_what_its_labels_say() -> None:
    alerting = Alerting(rule(FAILED))
    alerting.directory.silences.append(
        Silence(
            silence_id="s",
            organization="o",
            project="p",
            where={"treatment": "test"},
            starts_at=START,
            ends_at=START + timedelta(hours=1),
            comment="",
            created_by="me",
        )
    )
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    assert alerting.told == ["firing"]


def test_each_group_has_its_own_alert() -> None:
    alerting = Alerting(rule(FAILED))
    for name in ("build", "test", "build"):
        alerting.evaluate.evaluate(treatment_event(at(0), "run-1", treatment=name, id=f"e-{name}"))
    assert sorted(message.labels["treatment"] for _, message in alerting.store.messages) == ["build", "test"]


def test_lines_are_counted_within_a_window() -> None:
    alerting = Alerting(rule({"log": {"query": '"connection refused"'}}, count=5, window=60))
    for second in (0, 20, 40, 65):  # never five within a minute
        lines = [line(at(second), "Connection refused by db"), line(at(second), "fine")]
        alerting.evaluate.evaluate(alerting.segments.add("run-1", second, lines))
    assert alerting.told == []
    event = alerting.segments.add("run-1", 99, [line(at(70), "connection refused")] * 3)
    alerting.evaluate.evaluate(event)
    assert alerting.told == ["firing"]
    message = alerting.store.messages[0][1]
    assert message.sample is not None
    assert (message.count, message.sample.segment, message.sample.index) == (6, 99, 0)
    assert message.links["line"].endswith("/v1/runs/run-1/logs?after=99%3A0&limit=1")


EVENTS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3)), min_size=1, max_size=25)


@settings(max_examples=60)
@given(EVENTS, st.integers(2, 8), st.randoms(use_true_random=False))
def test_whatever_the_order_and_however_often_each_comes_a_window_counts_each_line_once(
    seconds: list[tuple[int, int]], threshold: int, chance: random.Random
) -> None:
    alerting = Alerting(rule({"log": {"query": "boom"}}, count=threshold, window=60, cooldown=0))
    events = [
        alerting.segments.add("run-1", number, [line(at(second), "boom")] * times)
        for number, (second, times) in enumerate(seconds)
    ]
    counts = [OccurrenceCount(at(second), times) for second, times in seconds]
    expected = any(
        sum(each.count for each in counts if timedelta() <= each.at - first.at < MINUTE) >= threshold
        for first in counts
    )
    played = events + chance.choices(events, k=len(events))
    chance.shuffle(played)
    for event in played:
        alerting.evaluate.evaluate(event)
    assert ("firing" in alerting.told) == expected
    assert most_within(counts, MINUTE) >= threshold if expected else most_within(counts, MINUTE) < threshold


def test_a_window_that_is_over_does_not_fire_again_when_its_lines_come_once_more() -> None:
    alerting = Alerting(rule({"log": {"query": "boom"}}, count=3, window=60, resolve={"after": 60}, cooldown=0))
    events = [alerting.segments.add("run-1", number, [line(at(number), "boom")]) for number in range(3)]
    for event in events:
        alerting.evaluate.evaluate(event)
    alerting.pass_time(timedelta(minutes=5))
    assert alerting.told == ["firing", "resolved"]
    for event in events:
        alerting.evaluate.evaluate(event)
    assert alerting.told == ["firing", "resolved"]


def test_a_changed_rule_ends_what_it_no_longer_looks_for() -> None:
    alerting = Alerting(rule(FAILED))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1"))
    changed = rule({"treatment": {"exit_codes": [7]}})
    alerting.directory.rules[0] = type(changed)(**{**vars(changed), "revision": 2})
    alerting.pass_time(timedelta(hours=2))
    assert alerting.told == ["firing", "resolved"]


@pytest.mark.parametrize(
    ("when", "members", "fires"),
    [
        ({"treatment": {"exit_codes": [137]}}, {"exit_code": 137}, True),
        ({"treatment": {"exit_codes": [137]}}, {"exit_code": 1}, False),
        ({"treatment": {"states": ["lost"]}}, {}, False),
        ({"treatment": {"cause": "EXIT code"}}, {}, True),
        ({"time": {"of": "queue", "above": 1.5}}, {"state": "succeeded"}, True),
        ({"time": {"of": "boot", "above": 4}}, {"state": "succeeded"}, False),
        ({"time": {"of": "duration", "above": 9}}, {"state": "succeeded"}, True),
        ({"resource": {"of": "memory_peak", "above": 999_999}}, {}, True),
        ({"resource": {"of": "memory_peak", "above": 1_000_000}}, {}, False),
        ({"resource": {"of": "unknown", "above": 1}}, {}, False),
        ({"run": {}}, {}, False),
        (FAILED, {"finished_at": None}, False),
        (FAILED, {"pipeline": "other"}, False),
    ],
)
def test_what_a_treatments_end_means_to_a_rule(when, members, fires: bool) -> None:
    alerting = Alerting(rule(when, where={"pipeline": ["ap*"]}))
    alerting.evaluate.evaluate(treatment_event(at(0), "run-1", **members))
    assert (alerting.told == ["firing"]) == fires


def test_unusual_values_are_told_after_the_warm_up_and_only_then() -> None:
    alerting = Alerting(rule({"anomaly": {"of": "duration", "warm_up": 10}}, group_by=["run"]))
    chance = random.Random(7)
    for number in range(9):
        took = 60 + chance.uniform(-3, 3)
        alerting.evaluate.evaluate(treatment_event(at(number * 100), f"run-{number}", "succeeded", took=took))
    alerting.evaluate.evaluate(treatment_event(at(1000), "early", "succeeded", took=500))
    assert alerting.told == []
    for number in range(11, 20):
        took = 60 + chance.uniform(-3, 3)
        alerting.evaluate.evaluate(treatment_event(at(number * 100), f"run-{number}", "succeeded", took=took))
    assert alerting.told == []
    slow = treatment_event(at(3000), "slow", "succeeded", took=140)
    fast = treatment_event(at(3100), "fast", "succeeded", took=12)
    for event in (slow, fast, slow, fast):
        alerting.evaluate.evaluate(event)
    assert [message.labels["run"] for _, message in alerting.store.messages] == ["slow", "fast"]
    assert "above the median of 59" in alerting.store.messages[0][1].summary
    assert "usual" in alerting.store.messages[0][1].summary


def test_a_treatment_that_failed_says_nothing_of_what_is_usual() -> None:
    alerting = Alerting(rule({"anomaly": {"of": "duration", "warm_up": 5}}))
    for number in range(10):
        alerting.evaluate.evaluate(treatment_event(at(number * 100), f"run-{number}", "failed", took=1))
    alerting.evaluate.evaluate(treatment_event(at(2000), "run", "succeeded", took=600))
    assert alerting.told == []
