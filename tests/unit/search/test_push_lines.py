"""Lines pushed over a connection: whatever is lost, repeated or done twice at once, the client has each line once."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.application.access.authenticate import Authenticate, issue_token
from cadence.application.access.ports import Credentials
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.search.find_lines import ReadQuery
from cadence.application.search.live_ports import LiveConnection, LivePosition
from cadence.application.search.live_query import LiveQuery
from cadence.application.search.push_lines import PushLines
from cadence.application.shared.ports import ALIVE_FOR
from cadence.cli.client.client import Client
from cadence.cli.search.live_lines import LiveLines
from cadence.composition.live import as_message
from cadence.domain.access.access import ApiToken, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.shared.errors import Conflict, Forbidden, Gone, InvalidRequest, NotFound, Unauthenticated
from tests.fakes.audit import MemoryAuditTrail
from tests.unit.search.logs import PROJECTS, Logs


class FakeConnections:
    def __init__(self) -> None:
        self.all: dict[str, LiveConnection] = {}

    def save(self, connection: LiveConnection) -> None:
        self.all[connection.connection_id] = connection

    def get(self, connection_id: str) -> LiveConnection:
        if connection_id not in self.all:
            raise NotFound("follows nothing")
        return self.all[connection_id]

    def advance(self, seen: LiveConnection, looked: LivePosition, told: LivePosition) -> LiveConnection:
        there = self.get(seen.connection_id)
        if (there.looked, there.told) != (seen.looked, seen.told):
            raise Conflict("moved")
        self.all[seen.connection_id] = replace(there, looked=looked, told=told)
        return self.all[seen.connection_id]

    def remove(self, connection_id: str) -> None:
        self.all.pop(connection_id, None)

    def are_there(self, organization: str, now: datetime) -> bool:
        return bool(self.of_organization(organization, now))

    def of_organization(self, organization: str, now: datetime) -> list[LiveConnection]:
        return [
            one for one in self.all.values() if one.principal.organization == organization and one.alive_until > now
        ]


@dataclass
class FakeSockets:
    sent: list[dict[str, Any]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)

    def post(self, connection_id: str, message: str) -> None:
        if connection_id in self.closed:
            raise Gone("closed")
        assert len(message) <= 128 * 1024
        self.sent.append(json.loads(message))

    def taken(self) -> list[dict[str, Any]]:
        sent, self.sent = self.sent, []
        return sent


class FakeVisible(VisibleRuns):
    def __init__(self) -> None:
        pass

    def projects(self, principal: Principal, project: str | None = None) -> list[str]:
        seen = ["site", "web"] if principal.project == "*" else [principal.project]
        if project is not None and project not in seen:
            raise NotFound("no such project")
        return seen if project is None else [project]


class Live:
    def __init__(self) -> None:
        self.logs = Logs()
        self.tokens: dict[str, ApiToken] = {}
        self.connections, self.sockets = FakeConnections(), FakeSockets()
        self.audit = MemoryAuditTrail()
        live = LiveQuery(ReadQuery(FakeVisible(), self.now), self.logs.follow, self.logs.states)
        self.push = PushLines(
            connections=self.connections,
            sockets=self.sockets,
            authenticate=Authenticate(cast(Any, self), self.now),
            audit=self.audit,
            live=live,
            clock=self.now,
            as_message=as_message,
        )

    def now(self) -> datetime:
        return self.logs.now

    def credentials(self, token_id: str, organization: str | None) -> Credentials:
        if token_id not in self.tokens:
            raise NotFound("no such token")
        return Credentials(self.tokens[token_id])

    def token(self, project: str = "*", permission: str = "logs:read") -> str:
        token, text = issue_token("acme", project, "t", frozenset({permission}), "a", self.now())
        self.tokens[token.token_id] = token
        return text


class Follower:
    """A client whose connection loses, repeats and reorders."""

    def __init__(self, live: Live) -> None:
        self.live, self.token = live, live.token()
        self.client = LiveLines(client=cast(Client, None), query="", project=None, after=str(live.logs.start()))
        self.had: list[tuple[str, int, int]] = []
        self.written: dict[str, int] = {}
        self.connect()

    def connect(self) -> None:
        self.live.push.subscribe("c", self.token, "", None, self.client.after)

    def write(self, run_id: str, count: int) -> None:
        first = self.written.get(run_id, 0) + 1
        self.written[run_id] = first + count - 1
        self.live.logs.write(run_id, *range(first, first + count), text="x" * 200)

    def ring(self, times: int) -> None:
        for _ in range(times):
            self.live.push.ring("acme")

    def ping(self) -> None:
        self.live.push.ping("c", self.client.after)

    def receive(self, how: str) -> None:
        sent = self.live.sockets.taken()
        for message in {"all": sent, "none": [], "twice": sent + sent, "reversed": sent[::-1]}[how]:
            self.had += [(line["run"], line["segment"], line["index"]) for line in self.client._accept(message)]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(sorted(PROJECTS)), st.integers(1, 300)),
        st.tuples(st.just("ring"), st.integers(1, 2)),
        st.tuples(st.just("receive"), st.sampled_from(["all", "none", "twice", "reversed"])),
        st.tuples(st.just("ping")),
        st.tuples(st.just("connect")),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(ACTIONS)
def test_the_client_has_each_line_once_whatever_happens_on_the_way(actions):
    follower = Follower(Live())
    for action, *how in actions:
        getattr(follower, action)(*how)
    live = follower.live
    for _ in range(100):
        follower.ping()
        follower.receive("all")
        if str(live.logs.start()) == follower.client.after:
            break
    everything = {
        (segment.run_id, segment.number, index)
        for segment in live.logs.index.segments
        for index in range(segment.lines)
    }
    assert len(follower.had) == len(everything) and set(follower.had) == everything


def test_two_that_push_at_once_push_once():
    live = Live()
    live.push.subscribe("c", live.token(), "", None, None)
    live.logs.write("run-a", 1)
    seen = live.connections.get("c")
    live.push.ring("acme")
    live.push._deliver(seen)  # another that was woken by the same lines
    assert [message["kind"] for message in live.sockets.sent] == ["subscribed", "lines"]


def test_lines_are_those_that_match_in_what_the_token_sees():
    live = Live()
    live.push.subscribe("c", live.token("web"), "tick", None, None)
    live.logs.write("run-a", 1, text="tick")
    live.logs.write("run-c", 1, 2, text="tick {}")
    live.logs.write("run-d", 1, text="tock")
    live.push.ring("acme")
    live.push.ring("rival")
    lines = [line for message in live.sockets.sent if message["kind"] == "lines" for line in message["lines"]]
    assert [(line["run"], line["text"]) for line in lines] == [("run-c", "tick 1"), ("run-c", "tick 2")]


def test_a_line_too_large_for_a_message_is_to_be_fetched():
    live = Live()
    live.push.subscribe("c", live.token(), "", None, None)
    begin = live.sockets.taken()[0]["after"]
    live.logs.write("run-a", 1, text="\x07" * 65_000)
    live.push.ring("acme")
    assert live.sockets.sent == [{"kind": "fetch", "from": begin, "after": str(live.logs.start())}]


@pytest.mark.parametrize(
    ("token", "query", "project", "after", "error"),
    [
        ("cad_wrong", "", None, None, Unauthenticated),
        ("", "", None, None, Unauthenticated),
        ("runs:read", "", None, None, Forbidden),
        ("logs:read", "foo:bar", None, None, InvalidRequest),
        ("logs:read", "", "nowhere", None, NotFound),
        ("logs:read", "", None, "x", InvalidRequest),
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_followed(token, query, project, after, error):
    live = Live()
    with pytest.raises(error):
        live.push.subscribe("c", live.token(permission=token) if ":" in token else token, query, project, after)
    assert not live.connections.all


def test_who_follows_lines_is_recorded_once_an_hour_and_so_is_who_may_not():
    live = Live()
    token, reader = live.token(), live.token(permission="runs:read")
    for connection in ("a", "b"):
        live.push.subscribe(connection, token, "", "site", None, "192.0.2.1")
        with pytest.raises(Forbidden):
            live.push.subscribe(connection, reader, "", None, None)
    first, second = live.audit.noted
    assert (first.kind, first.action, first.target) == (AuditKind.VALUE, "follow_lines", "/v1/live/socket")
    assert (first.token_id, first.project, first.source) == (token.split("_")[1], "site", "192.0.2.1")
    assert (second.kind, second.token_id, second.outcome) == (AuditKind.REFUSAL, reader.split("_")[1], "forbidden")


def test_who_is_gone_silent_or_revoked_is_told_nothing_more():
    live = Live()
    for name in ("gone", "silent", "revoked"):
        live.push.subscribe(name, live.token(), "", None, None)
    live.sockets.taken()
    live.sockets.closed.add("gone")
    live.logs.write("run-a", 1)
    assert live.push.ring("acme") == 3
    assert set(live.connections.all) == {"silent", "revoked"}
    live.tokens.clear()
    with pytest.raises(Unauthenticated):
        live.push.ping("revoked", "0.0-0.0-0.0-0.0")
    live.logs.now += ALIVE_FOR + timedelta(seconds=1)
    assert live.push.ring("acme") == 0
    with pytest.raises(NotFound):
        live.push.ping("never", "0.0-0.0-0.0-0.0")
