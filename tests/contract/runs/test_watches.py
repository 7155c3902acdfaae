"""Runs that are watched: numbers without holes for all who watch, over the store in memory and over DynamoDB's."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.adapters.dynamodb.runs.watches import DynamoLiveTickets, DynamoRunWatches
from cadence.application.access.authenticate import Authenticate, issue_token
from cadence.application.access.ports import Credentials
from cadence.application.runs.run_delta import RunDelta
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.runs.watch_ports import LiveTicket, LiveTickets, RunWatch, RunWatches
from cadence.application.runs.watch_runs import MakeLiveTickets, WatchRuns
from cadence.domain.access.access import ApiToken, Principal
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Forbidden, Gone, InvalidRequest, NotFound, Unauthenticated
from tests.fakes.audit import MemoryAuditTrail
from tests.fakes.runs import a_run


class MemoryRunWatches(RunWatches):
    def __init__(self) -> None:
        self._watches: dict[tuple[str, str], RunWatch] = {}
        self._numbers: dict[str, int] = {}

    def save(self, watch: RunWatch) -> None:
        self._watches[watch.connection_id, watch.subject] = watch

    def of_connection(self, connection_id: str) -> Sequence[RunWatch]:
        return [watch for (connection, _), watch in sorted(self._watches.items()) if connection == connection_id]

    def watchers(self, subject: str, now: datetime) -> Sequence[str]:
        return [
            connection
            for (connection, watched), watch in sorted(self._watches.items())
            if watched == subject and watch.alive_until > now
        ]

    def are_watching(self, organization: str | None, now: datetime) -> bool:
        alive = [one for one in self._watches.values() if one.alive_until > now]
        return any(organization in {None, one.organization} for one in alive)

    def remove(self, connection_id: str, subject: str) -> None:
        self._watches.pop((connection_id, subject), None)

    def last_number(self, run_id: str, until: datetime) -> int:
        return self._numbers.get(run_id, 0)

    def next_number(self, run_id: str, until: datetime) -> int:
        self._numbers[run_id] = self._numbers.get(run_id, 0) + 1
        return self._numbers[run_id]


class MemoryLiveTickets(LiveTickets):
    def __init__(self) -> None:
        self._tickets: dict[str, LiveTicket] = {}

    def add(self, ticket: LiveTicket) -> None:
        self._tickets[ticket.ticket_sha256] = ticket

    def use(self, ticket_sha256: str) -> LiveTicket:
        if ticket_sha256 not in self._tickets:
            raise NotFound("There is no such ticket.")
        return self._tickets.pop(ticket_sha256)


class SentMessages:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.closed: set[str] = set()

    def post(self, connection_id: str, message: str) -> None:
        if connection_id in self.closed:
            raise Gone("closed")
        assert len(message) <= 128 * 1024
        self.sent.append((connection_id, json.loads(message)))

    def taken(self) -> list[tuple[str, dict[str, Any]]]:
        sent, self.sent = self.sent, []
        return sent


class RunsOfOneOrganization(VisibleRuns):
    def __init__(self) -> None:
        self.hidden: set[str] = set()

    def get(self, principal: Principal, run_id: str, *, environment: str | None = None) -> Run:
        run = a_run(run_id)
        if run_id in self.hidden or run.organization != principal.organization:
            raise NotFound("There is no such run here.")
        return run


class Watching:
    def __init__(self, watches: Any, tickets: Any) -> None:
        self.time = datetime(2026, 12, 1, 12, tzinfo=UTC)
        self.stored: dict[str, ApiToken] = {}
        self.sockets, self.visible, self.audit = SentMessages(), RunsOfOneOrganization(), MemoryAuditTrail()
        self.tickets = MakeLiveTickets(tickets, self.now)
        self.watches = watches
        self.hurried: list[str] = []
        self.runs = WatchRuns(
            watches=watches,
            tickets=tickets,
            sockets=self.sockets,
            authenticate=Authenticate(self, self.now),  # type: ignore[arg-type]
            visible=self.visible,
            audit=self.audit,
            clock=self.now,
            hurry=self.hurried.append,
            as_message=json.dumps,
        )

    def now(self) -> datetime:
        return self.time

    def credentials(self, token_id: str, organization: str | None) -> Credentials:
        if token_id not in self.stored:
            raise NotFound("There is no such token.")
        return Credentials(self.stored[token_id])

    def token(self, permission: str = "runs:read", organization: str = "acme") -> str:
        token, text = issue_token(organization, "*", "t", frozenset({permission}), "a", self.time)
        self.stored[token.token_id] = token
        return text

    def watch(self, connection: str, *runs: str) -> None:
        token = self.token()
        for run_id in runs:
            self.runs.watch(connection, run_id, token, "")
        self.sockets.taken()

    def change(self, run_id: str, count: int = 1) -> int:
        treatments = [{"name": f"t{index}", "state": "running", "cause": "x" * 400} for index in range(count)]
        return self.runs.publish(run_id, lambda: RunDelta({"state": "running"}, treatments))


@pytest.fixture(params=["memory", "dynamodb"])
def at(request: pytest.FixtureRequest) -> Watching:
    if request.param == "memory":
        return Watching(MemoryRunWatches(), MemoryLiveTickets())
    table = request.getfixturevalue("bound_table")
    return Watching(DynamoRunWatches(table), DynamoLiveTickets(table))


def numbers(sent: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, str, int]]:
    return [(connection, message["run"], message["number"]) for connection, message in sent]


def test_all_who_watch_a_run_get_its_deltas_with_the_same_numbers(at: Watching) -> None:
    at.watch("c1", "01a", "01b")
    assert at.change("01a") == 1
    at.runs.watch("c2", "01a", at.token(), "")
    assert numbers(at.sockets.taken()) == [("c1", "01a", 1), ("c2", "01a", 1)]  # the last one is where c2 begins

    assert (at.change("01a"), at.change("01b"), at.change("01c")) == (2, 1, 0)
    assert numbers(at.sockets.taken()) == [("c1", "01a", 2), ("c2", "01a", 2), ("c1", "01b", 1)]


def test_what_nobody_watches_is_not_even_read(at: Watching) -> None:
    def never() -> RunDelta:
        raise AssertionError("it was read")

    assert at.runs.publish("01a", never) == 0
    at.watch("c1", "01a")
    at.runs.unwatch("c1", "01a")
    assert at.runs.publish("01a", never) == 0
    # Nor was anything numbered.
    at.runs.watch("c1", "01a", at.token(), "")
    assert numbers(at.sockets.taken()) == [("c1", "01a", 0)]


def test_a_large_change_comes_in_parts_with_the_run_last(at: Watching) -> None:
    at.watch("c1", "01a")
    at.change("01a", 250)

    sent = [message for _, message in at.sockets.taken()]
    assert [message["number"] for message in sent] == [1, 2, 3]
    assert [len(message["treatments"]) for message in sent] == [100, 100, 50]
    assert [message["state"] for message in sent] == [{}, {}, {"state": "running"}]


def test_what_no_message_can_hold_is_a_gap(at: Watching) -> None:
    at.watch("c1", "01a")
    treatments = [{"name": f"t{index}", "cause": "\u00e4" * 400} for index in range(100)]
    at.runs.publish("01a", lambda: RunDelta({}, treatments))

    [(_, message)] = at.sockets.taken()
    assert (message["number"], message["treatments"]) == (2, [])


def test_a_change_that_clients_do_not_see_has_no_number(at: Watching) -> None:
    at.watch("c1", "01a")
    assert at.runs.publish("01a", lambda: None) == 0
    at.change("01a")
    assert numbers(at.sockets.taken()) == [("c1", "01a", 1)]


def test_a_ticket_opens_one_connection_within_its_time(at: Watching) -> None:
    at.token()
    [token] = at.stored.values()
    by = Principal(
        token_id=token.token_id, name="t", organization="acme", project="*", permissions=frozenset({"runs:read"})
    )
    text, _ = at.tickets.make(by)
    late, _ = at.tickets.make(by)
    at.runs.watch("c1", "01a", "", text)
    at.runs.watch("c1", "01b", "", "")  # the connection is known by now
    at.time += timedelta(seconds=31)
    for ticket in (text, late, "nonsense", ""):
        with pytest.raises(Unauthenticated):
            at.runs.watch("c2", "01a", "", ticket)
    assert (at.change("01a"), at.change("01b")) == (1, 1)


def test_who_may_not_read_runs_watches_none(at: Watching) -> None:
    with pytest.raises(Forbidden):
        at.runs.watch("c1", "01a", at.token("logs:read"), "")
    at.visible.hidden.add("01a")
    with pytest.raises(NotFound):
        at.runs.watch("c1", "01a", at.token(), "")
    assert at.change("01a") == 0


def test_a_revoked_token_ends_with_the_next_sign_of_life(at: Watching) -> None:
    at.watch("c1", "01a", "01b")
    at.stored.clear()
    with pytest.raises(Unauthenticated):
        at.runs.ping("c1")
    assert (at.change("01a"), at.change("01b")) == (0, 0)
    with pytest.raises(NotFound):
        at.runs.ping("c1")


def test_a_run_that_is_hidden_later_ends_alone(at: Watching) -> None:
    at.watch("c1", "01a", "01b")
    at.change("01b")
    at.sockets.taken()
    at.visible.hidden.add("01a")
    at.runs.ping("c1")

    [(_, problem), (_, pong)] = at.sockets.taken()
    assert (problem["code"], problem["run"]) == ("not_found", "01a")
    assert pong == {"kind": "pong", "runs": {"01b": 1}}
    assert (at.change("01a"), at.change("01b")) == (0, 1)


def test_silence_ends_a_watch_and_so_do_ten_minutes(at: Watching) -> None:
    at.watch("c1", "01a")
    for _ in range(12):
        at.time += timedelta(seconds=45)
        at.runs.ping("c1")
        assert at.change("01a") == 1
    at.time += timedelta(seconds=61)
    assert at.change("01a") == 0  # older than ten minutes now
    with pytest.raises(Unauthenticated):
        at.runs.ping("c1")
    at.watch("c2", "01a")
    at.time += timedelta(seconds=61)
    assert at.change("01a") == 0


def test_a_closed_connection_is_forgotten(at: Watching) -> None:
    at.watch("c1", "01a")
    at.watch("c2", "01a")
    at.sockets.closed.add("c1")
    assert at.change("01a") == 1
    at.runs.close("c2")
    assert at.change("01a") == 0


def test_a_connection_watches_twenty_runs(at: Watching) -> None:
    at.watch("c1", *(f"01{index:02}" for index in range(20)))
    at.runs.watch("c1", "0100", "", "")
    with pytest.raises(InvalidRequest, match="at most 20"):
        at.runs.watch("c1", "0199", "", "")


def test_what_is_new_in_a_run_is_announced_to_those_who_watch_it(at: Watching) -> None:
    at.watch("c1", "01a")
    at.watch("c2", "01b")
    assert (at.runs.ring_run("01a", "lines"), at.runs.ring_run("01b", "flows"), at.runs.ring_run("01c", "lines")) == (
        1,
        1,
        0,
    )
    assert at.sockets.taken() == [
        ("c1", {"kind": "new", "of": "lines", "run": "01a"}),
        ("c2", {"kind": "new", "of": "flows", "run": "01b"}),
    ]


def test_runners_of_a_watched_run_send_their_lines_at_once(at: Watching) -> None:
    at.watch("c1", "01a")
    at.runs.ping("c1")
    assert at.hurried == ["01a", "01a"]


def test_changes_of_the_list_are_announced_within_the_organization(at: Watching) -> None:
    at.runs.watch("c1", None, at.token(), "")
    assert at.sockets.taken() == [("c1", {"kind": "watching"})]
    at.watch("c2", "01a")
    assert (at.runs.ring_list("acme"), at.runs.ring_list("globex")) == (1, 0)
    assert at.sockets.taken() == [("c1", {"kind": "new", "of": "runs"})]
    at.runs.ping("c1")
    assert at.sockets.taken() == [("c1", {"kind": "pong", "runs": {}})]
    at.stored.clear()
    with pytest.raises(Unauthenticated):
        at.runs.ping("c1")
    assert at.runs.ring_list("acme") == 0


def test_a_connection_goes_on_without_the_list(at: Watching) -> None:
    at.runs.watch("c1", None, at.token(), "")
    at.runs.watch("c1", "01a", "", "")
    at.sockets.taken()
    at.runs.unwatch("c1", None)
    assert at.runs.ring_list("acme") == 0
    assert at.change("01a") == 1
    at.runs.watch("c1", None, "", "")
    assert at.runs.ring_list("acme") == 1


def test_a_list_ends_where_the_connection_is_renewed_by_a_token_of_another_organization(at: Watching) -> None:
    at.watch("c1", "01a")
    at.runs.watch("c1", None, at.token(organization="globex"), "")
    at.sockets.taken()
    assert at.runs.ring_list("globex") == 1
    at.sockets.taken()
    at.runs.ping("c1")

    [(_, problem), (_, pong)] = at.sockets.taken()
    assert problem["code"] == "not_found"
    assert "run" not in problem
    assert pong == {"kind": "pong", "runs": {"01a": 0}}
    assert at.runs.ring_list("globex") == 0


def test_an_organization_is_watched_until_a_minute_of_silence(at: Watching) -> None:
    assert not at.watches.are_watching("acme", at.time)
    assert not at.watches.are_watching(None, at.time)
    at.watch("c1", "01a")
    assert at.watches.are_watching("acme", at.time)
    assert at.watches.are_watching(None, at.time)
    assert not at.watches.are_watching("globex", at.time)
    at.time += timedelta(seconds=61)
    assert not at.watches.are_watching("acme", at.time)
    assert not at.watches.are_watching(None, at.time)


def test_a_watch_that_ends_soon_shortens_no_other(at: Watching) -> None:
    at.watch("c1", "01a")
    (watch,) = at.watches.of_connection("c1")
    soon = at.time + timedelta(seconds=5)
    at.watches.save(replace(watch, connection_id="c2", alive_until=soon, ends_at=soon))
    at.time += timedelta(seconds=30)
    assert at.watches.are_watching("acme", at.time)
    assert at.watches.are_watching(None, at.time)
