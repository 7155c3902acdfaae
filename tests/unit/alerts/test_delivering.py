"""A channel's outage loses nothing and floods nobody."""

from datetime import datetime, timedelta

from cadence.application.alerts.deliver import Deliver
from cadence.application.alerts.messages import test_message as message_of_test
from cadence.application.alerts.ports import ChannelRefused
from cadence.domain.alerts.channel import ChannelKind
from cadence.domain.shared.errors import Transient
from tests.fakes.alerts import (
    START,
    ListeningSender,
    MemoryBells,
    MemoryDirectory,
    MemoryOutbox,
    channel,
    rule,
)
from tests.fakes.services import ManualClock

KEY = ("o", "p", "ops")


class PlainCipher:
    def encrypt(self, plain, context):
        return plain

    def decrypt(self, ciphertext, context):
        return ciphertext


class Delivering:
    """One channel; `run` does everything that was asked for until then, in the order of its times."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.notifier = MemoryBells(self.clock)
        self.outbox = MemoryOutbox()
        self.sender = ListeningSender(self.clock)
        self.reports: list[str] = []
        self.deliver = Deliver(
            channels=MemoryDirectory(channels=[channel()]),
            outbox=self.outbox,
            senders={ChannelKind.WEBHOOK: self.sender},
            cipher=PlainCipher(),
            notifier=self.notifier,
            clock=self.clock,
            report=lambda message, **fields: self.reports.append(message),
        )

    def post(self, number: int) -> None:
        self.outbox.post(KEY, message_of_test(rule({"treatment": {}}), f"m{number:04}", self.clock()))
        self.notifier.deliver(KEY, timedelta())

    def run(self, until: datetime) -> None:
        while due := [each for each in self.notifier.deliveries if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self.notifier.deliveries.remove(first)
            self.clock.now = max(self.clock.now, first[0])
            self.deliver.deliver(first[1], first[2])
        self.clock.now = until

    @property
    def got(self) -> list[str]:
        return [message.message_id for messages in self.sender.got for message in messages]


def test_an_outage_of_hours_with_a_storm_of_alerts_ends_with_each_message_once_and_few_sendings() -> None:
    all_of_it = Delivering()
    all_of_it.sender.fault = Transient("The channel answers with status 503.")
    for number in range(300):
        all_of_it.post(number)
        all_of_it.run(all_of_it.clock() + timedelta(seconds=20))
    assert len(all_of_it.sender.tried) < 40  # in 100 minutes
    assert all_of_it.outbox.get_delivery(KEY).last_error == "The channel answers with status 503."
    assert len(all_of_it.notifier.deliveries) == 1  # one wait, whatever waits
    all_of_it.sender.fault = None
    all_of_it.sender.tried.clear()
    all_of_it.run(all_of_it.clock() + timedelta(minutes=30))
    assert all_of_it.got == [f"m{number:04}" for number in range(300)]
    assert len(all_of_it.sender.got) == 30
    for first, sixth in zip(all_of_it.sender.tried, all_of_it.sender.tried[5:], strict=False):
        assert sixth - first >= timedelta(minutes=1)
    assert all_of_it.outbox.get_delivery(KEY).failing_since is None


def test_tries_lie_farther_and_farther_apart() -> None:
    failing = Delivering()
    failing.sender.fault = Transient("no")
    failing.post(1)
    failing.run(START + timedelta(hours=2))
    gaps = [later - earlier for earlier, later in zip(failing.sender.tried, failing.sender.tried[1:], strict=False)]
    assert gaps[0] <= timedelta(seconds=6)
    assert timedelta(minutes=10) <= max(gaps) <= timedelta(minutes=15)


def test_a_message_that_the_channel_itself_refuses_does_not_stop_the_others() -> None:
    refusing = Delivering()
    refusing.sender.fault = ChannelRefused("The channel answers with status 400.")
    refusing.post(1)
    refusing.run(START + timedelta(minutes=30))
    assert len(refusing.sender.tried) == 5
    assert [each.message.message_id for each in refusing.outbox.dead_letter] == ["m0001"]
    assert refusing.reports == ["a channel refuses an alert's message"]
    refusing.sender.fault = None
    refusing.post(2)
    refusing.run(START + timedelta(hours=1))
    assert refusing.got == ["m0002"]


def test_a_process_that_dies_while_it_sends_is_followed_by_another() -> None:
    dying = Delivering()
    dying.sender.fault = SystemError("killed")  # type: ignore[assignment]
    dying.post(1)
    try:
        dying.run(START)
    except SystemError:
        dying.notifier.deliver(KEY, timedelta(minutes=6))  # the queue hands the message out again
    dying.sender.fault = None
    dying.post(2)
    dying.run(START + timedelta(seconds=1))
    assert dying.got == []  # the lease of the one that died
    dying.run(START + timedelta(minutes=10))
    assert dying.got == ["m0001", "m0002"]


def test_what_waits_for_a_channel_that_is_gone_is_dropped() -> None:
    gone = Delivering()
    gone.post(1)
    gone.deliver.channels.channels.clear()  # type: ignore[attr-defined]
    gone.run(START + timedelta(minutes=1))
    assert gone.outbox.waiting(KEY, 10) == []
