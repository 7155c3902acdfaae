"""Notices to `live`: only where there are clients, who are looked for once a second, and not too often."""

import json
from datetime import datetime
from typing import Any

import pytest

from cadence.adapters.aws import live_notifier
from cadence.adapters.aws.live_notifier import LiveNotifier
from cadence.domain.shared.errors import Transient


class Calls:
    def __init__(self) -> None:
        self.time = 100.0
        self.clients = True
        self.asked = 0
        self.notices: list[dict[str, Any]] = []

    def has_clients(self, organization: str, now: datetime) -> bool:
        self.asked += 1
        if organization == "broken":
            raise Transient("DynamoDB does not answer.")
        return self.clients

    def invoke(self, **call: Any) -> None:
        assert (call["FunctionName"], call["InvocationType"]) == ("live", "Event")
        self.notices.append(json.loads(call["Payload"]))

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(live_notifier, "client", lambda name: made)
    return made


def test_clients_are_looked_for_once_a_second(calls: Calls) -> None:
    notifier = LiveNotifier("live", calls.has_clients, "lines", monotonic=calls.monotonic)
    calls.clients = False
    notifier.notify("acme", "01a")
    calls.clients = True
    notifier.notify("acme", "01a")
    assert (calls.asked, calls.notices) == (1, [])
    calls.time += 1
    notifier.notify("acme", "01a")
    notifier.notify("acme", "01b")
    assert calls.asked == 2
    assert calls.notices == [{"organization": "acme", "run": run, "of": "lines"} for run in ("01a", "01b")]


def test_a_run_is_announced_no_more_often_than_the_pause(calls: Calls) -> None:
    notifier = LiveNotifier("live", calls.has_clients, "flows", pause=1.0, monotonic=calls.monotonic)
    for run in ("01a", "01a", "01b"):
        notifier.notify("acme", run)
    assert [notice["run"] for notice in calls.notices] == ["01a", "01b"]
    calls.time += 1
    notifier.notify("acme", "01a")
    assert [notice["run"] for notice in calls.notices] == ["01a", "01b", "01a"]


def test_a_notice_that_fails_is_no_error(calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    LiveNotifier("live", calls.has_clients, "lines", monotonic=calls.monotonic).notify("broken", "01a")
    assert calls.notices == []
    assert "live clients cannot be notified" in caplog.text
