"""What alerts need of their stores, whatever holds them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cadence.application.alerts.messages import test_message as message_of_test
from cadence.application.alerts.ports import MeasuredSeries, MeasuredSeriesKey, MeasuredValue
from cadence.domain.alerts.channel import AlertDelivery
from cadence.domain.alerts.lifecycle import OccurrenceCount
from cadence.domain.alerts.occurrence import AlertGroup, Occurrence, OccurrenceSample
from cadence.domain.shared.errors import Conflict, NotFound
from tests.contract.alerts.conftest import Stores
from tests.fakes.alerts import START, rule

RULE = rule({"log": {"query": "boom"}})
GROUP = AlertGroup({"pipeline": "app"})
KEY = ("o", "p", "ops")


def at(seconds: int):
    return START + timedelta(seconds=seconds)


def occurrence(seconds: int, event: str = "e", count: int = 1) -> Occurrence:
    return Occurrence(
        event_id=event,
        at=at(seconds),
        count=count,
        labels={},
        sample=OccurrenceSample(
            text=f"text {seconds}", time="now", run_id="run", treatment="build", segment=3, index=7
        ),
    )


def test_the_same_occurrences_stored_again_change_nothing(stores: Stores) -> None:
    occurrences = [occurrence(5), occurrence(6, count=3), occurrence(6, "other")]
    for _ in range(2):
        stores.alerts.put_occurrences(RULE, GROUP, occurrences)
    stores.alerts.put_occurrences(RULE, AlertGroup({"pipeline": "else"}), [occurrence(5)])
    happened = stores.alerts.happened(RULE, GROUP, at(0))
    assert list(happened.counts) == [OccurrenceCount(at(5), 1), OccurrenceCount(at(6), 3), OccurrenceCount(at(6), 1)]
    assert happened.newest == occurrence(6).sample
    assert list(stores.alerts.happened(RULE, GROUP, at(6)).counts) == list(happened.counts)[1:]
    assert len(stores.alerts.happened(RULE, GROUP, at(100)).counts) == 1  # the newest in any case


def test_what_was_counted_for_another_revision_does_not_count(stores: Stores) -> None:
    stores.alerts.put_occurrences(RULE, GROUP, [occurrence(5)])
    happened = stores.alerts.happened(replace(RULE, revision=2), GROUP, at(0))
    assert not happened.counts and happened.newest is None


def test_an_alert_is_as_it_was_committed(stores: Stores) -> None:
    new = stores.alerts.get_alert(RULE, GROUP)
    assert (new.open, new.version, new.group) == (False, 0, GROUP)
    changed = replace(
        new, open=True, number=1, opened_at=at(1), count=4, sample=occurrence(1).sample, look_at=at(9), told_at=at(1)
    )
    stores.alerts.commit(changed, [])
    read = stores.alerts.get_alert(RULE, GROUP)
    assert read == changed and read.version == 1
    assert list(stores.alerts.list_alerts("o", "p", "rule")) == [read]
    stores.alerts.delete_alerts("o", "p", "rule")
    assert stores.alerts.get_alert(RULE, GROUP).version == 0


def test_of_two_changes_of_the_same_alert_one_fails_with_its_messages(stores: Stores) -> None:
    new = stores.alerts.get_alert(RULE, GROUP)
    stores.alerts.commit(replace(new, number=1), [])
    with pytest.raises(Conflict):
        stores.alerts.commit(replace(new, number=2), [(KEY, message_of_test(RULE, "m", at(0)))])
    assert list(stores.outbox.waiting(KEY, 10)) == []


def test_series_change_only_as_they_were_read(stores: Stores) -> None:
    key = MeasuredSeriesKey(organization="o", project="p", pipeline="app", treatment="build", of="duration")
    values = (MeasuredValue("run-1", at(1), 12.5), MeasuredValue("run-2", at(2), 13.0))
    stores.history.put_series(key, MeasuredSeries(values))
    read = stores.history.get_series(key)
    assert (read.values, read.version) == (values, 1)
    with pytest.raises(Conflict):
        stores.history.put_series(key, MeasuredSeries(values))
    stores.history.put_series(key, replace(read, values=values[1:]))
    assert stores.history.get_series(key).values == values[1:]


def test_messages_wait_in_the_order_in_which_they_were_made(stores: Stores) -> None:
    for number in (3, 1, 2, 1):
        stores.outbox.post(KEY, message_of_test(RULE, f"m{number}", at(number)))
    waiting = list(stores.outbox.waiting(KEY, 10))
    assert [each.message.message_id for each in waiting] == ["m1", "m2", "m3"]
    assert waiting[0].message == message_of_test(RULE, "m1", at(1))
    assert stores.outbox.count_waiting(KEY, 2) == 2
    stores.outbox.refused(KEY, waiting[0])
    assert stores.outbox.waiting(KEY, 1)[0].refusals == 1
    stores.outbox.put_dead_letter(KEY, waiting[0])
    (dead_letter,) = stores.outbox.list_dead_letters(KEY, 10)
    assert (dead_letter.message.message_id, stores.outbox.count_dead_letters(KEY, 10)) == ("m1", 1)
    stores.outbox.take_back(KEY, dead_letter.position)
    assert (stores.outbox.waiting(KEY, 1)[0].message.message_id, stores.outbox.waiting(KEY, 1)[0].refusals) == ("m1", 0)
    with pytest.raises(NotFound):
        stores.outbox.take_back(KEY, dead_letter.position)
    stores.outbox.put_dead_letter(KEY, stores.outbox.waiting(KEY, 1)[0])
    for _ in range(2):
        stores.outbox.discard(KEY, dead_letter.position)
    assert stores.outbox.count_dead_letters(KEY, 10) == 0
    stores.outbox.remove(KEY, waiting[1:2])
    assert [each.message.message_id for each in stores.outbox.waiting(KEY, 10)] == ["m3"]
    stores.outbox.clear(KEY)
    assert stores.outbox.count_waiting(KEY, 10) == 0


def test_a_lease_is_taken_by_one(stores: Stores) -> None:
    fresh = stores.outbox.get_delivery(KEY)
    assert fresh == AlertDelivery()
    stores.outbox.put_delivery(KEY, fresh.leased(at(0), timedelta(minutes=1)))
    with pytest.raises(Conflict):
        stores.outbox.put_delivery(KEY, fresh.leased(at(0), timedelta(minutes=1)))
    held = stores.outbox.get_delivery(KEY)
    assert held.leased_until == at(60) and not held.may_send(at(59)) and held.may_send(at(60))
    stores.outbox.put_delivery(KEY, held.failed(at(1), "no"))
    failed = stores.outbox.get_delivery(KEY)
    assert (failed.failures, failed.last_error, failed.failing_since) == (1, "no", at(1))
