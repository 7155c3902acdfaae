"""A query decided on a line, and on what is known of many lines."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.search.gaps import may_hide
from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.parse import parse
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import EVERY_LINE, Field, FieldName, Not, Query
from tests.unit.search.strategies import conditions, lines, owners

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER = LineOwner("default", "web", "build", "run-1")
LINE = {
    "time": "2026-11-24T10:15:30.250Z",
    "runner": "run-1-abc-1",
    "pool": "spot",
    "treatment": "test:3.13",
    "stream": "stderr",
    "level": "error",
    "text": "\x1b[31mERROR\x1b[0m: connection_refused by peer 10.0.0.7:5432 (attempt 3 of 5)",
}


def failed(run_id: str, treatment: str) -> str:
    return "failed"


def matches(query: str) -> bool:
    return Matcher(parse(query, NOW), failed).matches(OWNER, LINE)


@pytest.mark.parametrize(
    "query",
    [
        *("", "*", "error", "ERROR", "refused", "conn*", '"connection refused"', '"refused by pe"*', "10.0.0.7:5432"),
        *("error peer", "error OR nothing", "nothing OR error", "-nothing", "(nothing OR peer) -debug", "NOT nothing"),
        *("level:error", "level:err", "level:info,error", "treatment:test:3.13", "treatment:test*", "pool:spot"),
        *("project:web pipeline:build run:run-1 stream:stderr", "state:failed", "organization:default", "org:default"),
        *(r"/connection_refused by/", r"/^ERROR: /", r"/error: c/i", r"/\(attempt \d+ of \d+\)$/"),
        *("since:2h", "since:2026-11-24", "until:1h", "2026-11-24T10:15:30.250..2026-11-24T10:15:31"),
    ],
)
def test_found(query):
    assert matches(query)


@pytest.mark.parametrize(
    "query",
    [
        *("nothing", "err", "-error", '"refused connection"', '"connection peer"', "peerage*", "error nothing"),
        *("level:info", "treatment:test", "treatment:build*", "pool:other", "project:default", "state:succeeded"),
        *("/error: c/", "/31m/", "/^connection/", "organization:other", "runner:run-1"),
        *("since:1h", "until:2h", "2026-11-24T10:15:30.251..", "..2026-11-24T10:15:30.250"),
    ],
)
def test_not_found(query):
    assert not matches(query)


def test_asking_for_a_state_needs_somebody_who_knows():
    with pytest.raises(ValueError, match="condition on `state`, which is not known here"):
        Matcher(parse("state:failed", NOW))


@settings(max_examples=300)
@given(conditions, st.lists(st.tuples(owners, lines), min_size=1, max_size=4), st.data())
def test_what_cannot_hold_a_match_holds_none(condition, group, data):
    """Whatever part of the fields is known."""
    matcher = Matcher(Query(condition), failed)
    known = data.draw(st.sets(st.sampled_from([name for name in FieldName if name is not FieldName.STATE])))
    of_owner = {"organization": "organization", "project": "project", "pipeline": "pipeline", "run": "run_id"}
    facts = {
        name: {getattr(owner, of_owner[name]) if name in of_owner else line[name.value] for owner, line in group}
        for name in known
    }
    times = [line["time"] for _, line in group]
    if any(matcher.matches(owner, line) for owner, line in group):
        assert may_match(Query(condition), facts, min(times), max(times))
    if all(matcher.matches(owner, line) for owner, line in group):
        assert may_match(Query(condition), facts, min(times), max(times))


@given(conditions, owners, lines)
def test_not_means_the_opposite(condition, owner, line):
    assert Matcher(Query(Not(condition)), failed).matches(owner, line) is not Matcher(Query(condition), failed).matches(
        owner, line
    )


def test_sets_of_lines_are_left_out_by_their_times_and_values():
    first, last = "2026-11-24T10:00:00.000Z", "2026-11-24T11:00:00.000Z"
    facts = {FieldName.LEVEL: ("info",), FieldName.TREATMENT: ("test", "build")}
    for query, may in [
        ("since:1h", True),
        ("since:59m", False),
        ("until:2026-11-24T10:00Z", False),
        ("until:2026-11-24T10:00:01Z", True),
        ("level:error", False),
        ("-level:info", False),
        ("-treatment:test", True),
        ("-treatment:test,build", False),
        ("level:error OR treatment:test", True),
        ("treatment:te*", True),
        ("treatment:de*", False),
        ("pool:any text", True),
    ]:
        assert may_match(parse(query, NOW), facts, first, last) is may, query


@pytest.mark.parametrize(
    ("query", "may"),
    [("text level:error", True), ("treatment:test:3.13", True), ("treatment:build", False), ("-run:run-1", False)],
)
def test_a_gap_is_shown_to_whoever_might_have_seen_what_is_missing(query, may):
    assert may_hide(parse(query, NOW), OWNER, {**LINE, "level": "warning", "text": "3 lines are missing here"}) is may


def test_a_line_from_before_pools_were_noted_has_an_empty_one():
    line = {**LINE, "pool": None}
    assert Matcher(Query(Field(FieldName.POOL, ("",)))).matches(OWNER, line)
    assert Matcher(EVERY_LINE).matches(OWNER, line)
