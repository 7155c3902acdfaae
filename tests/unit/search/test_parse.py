"""The query language: what is meant, and what is said about what is wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.search.lexing import BadQuery
from cadence.domain.search.parse import LONGEST_QUERY, parse
from cadence.domain.search.query import (
    And,
    Everything,
    Field,
    FieldName,
    FieldPrefix,
    Not,
    Or,
    Pattern,
    Phrase,
    Prefix,
    Query,
    Word,
)

NOW = datetime(2026, 11, 24, 21, 10, 30, tzinfo=UTC)


def where(text: str) -> object:
    query = parse(text, NOW)
    assert query == Query(query.where)
    return query.where


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Everything()),
        ("  * ", Everything()),
        ("Refused", Word("refused")),
        ("refus*", Prefix("refus")),
        ("foo-bar", Phrase(("foo", "bar"))),
        ("foo-bar*", Phrase(("foo", "bar"), open_ended=True)),
        ("foo-*", Word("foo")),
        ('"a  b"', Phrase(("a", "b"))),
        (r'"say \"hi\""', Phrase(("say", "hi"))),
        ('"a b"*', Phrase(("a", "b"), open_ended=True)),
        ("a b", And((Word("a"), Word("b")))),
        ("a AND b", And((Word("a"), Word("b")))),
        ("a and b", And((Word("a"), Word("and"), Word("b")))),
        ("a OR b c", Or((Word("a"), And((Word("b"), Word("c")))))),
        ("(a OR b) c", And((Or((Word("a"), Word("b"))), Word("c")))),
        ("-a", Not(Word("a"))),
        ("NOT -a", Not(Not(Word("a")))),
        ("--flag", Word("flag")),
        ("-(a b)", Not(And((Word("a"), Word("b"))))),
        ("-level:error", Not(Field(FieldName.LEVEL, ("error",)))),
        ("level:WARN,error,err", Field(FieldName.LEVEL, ("warning", "error"))),
        ("Treatment:test:3.13", Field(FieldName.TREATMENT, ("test:3.13",))),
        ('run:"a b",c', Field(FieldName.RUN, ("a b", "c"))),
        ("treatment:build*", FieldPrefix(FieldName.TREATMENT, "build")),
        ("treatment:build*,t", Or((Field(FieldName.TREATMENT, ("t",)), FieldPrefix(FieldName.TREATMENT, "build")))),
        ('treatment:"b*"', Field(FieldName.TREATMENT, ("b*",))),
        ("stream:service:db", Field(FieldName.STREAM, ("service:db",))),
        ("/a|b c/", Pattern("a|b c")),
        ("/a b/i", Pattern("(?i)a b", (Prefix("b"),))),
        (r"/a\/b/", Pattern(r"a\/b", (Prefix("b"),))),
        ("/usr/bin/env", Phrase(("usr", "bin", "env"))),
        ("https://example.com/x", Phrase(("https", "example", "com", "x"))),
        ("std::vector", Phrase(("std", "vector"))),
        ("error: no", And((Word("error"), Word("no")))),
        ("10:15:30", Phrase(("10", "15", "30"))),
        ("1..5", Phrase(("1", "5"))),
        ("a-b..c", Phrase(("a", "b", "c"))),
    ],
)
def test_conditions(text, expected):
    assert where(text) == expected


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("since:2h", NOW - timedelta(hours=2), None),
        ("since:1h30m x", NOW - timedelta(minutes=90), None),
        ("x AND since:1d", NOW - timedelta(days=1), None),
        ("until:15m", None, NOW - timedelta(minutes=15)),
        ("since:today", datetime(2026, 11, 24, tzinfo=UTC), None),
        ("yesterday..yesterday", datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-20..2026-11-20", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),
        ("since:2026-11-24T10:15", datetime(2026, 11, 24, 10, 15, tzinfo=UTC), None),
        ('since:"2026-11-24 10:15:30.5"', datetime(2026, 11, 24, 10, 15, 30, 500_000, tzinfo=UTC), None),
        ("since:2026-11-24T10:15+02:00", datetime(2026, 11, 24, 8, 15, tzinfo=UTC), None),
        ("2h..", NOW - timedelta(hours=2), None),
        ("..1h", None, NOW - timedelta(hours=1)),
        ("since:3h until:now", NOW - timedelta(hours=3), NOW),
    ],
)
def test_times_hold_for_the_whole_query(text, since, until):
    query = parse(text, NOW)
    assert (query.since, query.until) == (since, until)
    assert query.where in (Everything(), Word("x"))


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ('a "b', 2, "quote is not closed"),
        ("(a", 0, "bracket is not closed"),
        ("a)", 1, "never opened"),
        ("a OR", 4, "missing at the end"),
        ("OR a", 0, "missing before OR"),
        ("a AND AND b", 6, "missing before AND"),
        ("()", 1, "missing before )"),
        ("foo:bar", 0, "no field 'foo'"),
        ("a level:loud", 8, "no level"),
        ("state:broken", 6, "no state"),
        ("treatment:a,", 12, "value is missing"),
        ("treatment:*", 10, "beginning of a value"),
        ("state:fail*", 6, "beginning of a value"),
        ("a ==>", 2, "no word"),
        ("fo*o", 0, "only end a word"),
        ("/a(/", 0, "regular expression"),
        (r"/(a)\1/", 0, "regular expression"),
        ("/(a{1000}){1000}/", 0, "regular expression"),
        ("/" + "a" * 257 + "/", 0, "more than 256"),
        ("since:5y", 6, "no time"),
        ("since:2026-02-30", 6, "no time"),
        ("since:999999999w", 6, "too long ago"),
        ("since:1900-01-01", 6, "more than 3650 days"),
        ("since:2027-01-01", 6, "future"),
        ("since:1h until:2h", 15, "ends before it begins"),
        ("since:1h since:2h", 15, "already"),
        ("since:1h,2h", 9, "one time"),
        ("a OR since:1h", 5, "whole query"),
        ("since:1h OR a", 0, "whole query"),
        ("(since:1h)", 1, "whole query"),
        ("-since:1h", 1, "whole query"),
        ("(" * 20 + "a" + ")" * 20, 17, "too deeply"),
        ("-" + "(-" * 12 + "a" + ")" * 12, 17, "too deeply"),
        (" ".join("abcdefghij"[i % 10] for i in range(65)), 128, "too many terms"),
        (" ".join(["/a/"] * 9), 32, "too many regular"),
        ("a" * (LONGEST_QUERY + 1), LONGEST_QUERY, "characters"),
        ("run:" + ",".join("x" * 1 for _ in range(101)), 0, "101 values"),
    ],
)
def test_what_is_wrong_is_told_with_its_position_and_what_to_do(text, position, what):
    with pytest.raises(BadQuery) as caught:
        parse(text, NOW)
    error = caught.value
    assert what in error.message
    assert error.details["position"] == position and error.details["hint"]
    assert [violation.pointer for violation in error.violations] == ["q"]


ALPHABET = st.sampled_from(
    [*list('ab12 -*"/\\():,.|[]{}+?^$é日'), "OR ", "NOT ", "AND ", "level:", "since:", "2h", ".."]
)


@settings(max_examples=500)
@given(st.one_of(st.lists(ALPHABET, max_size=30).map("".join), st.text(max_size=60)))
def test_any_text_is_a_query_or_is_refused_in_words(text):
    refused = None
    try:
        parse(text, NOW)
    except BadQuery as error:
        refused = error
    if refused:
        assert 0 <= refused.details["position"] <= len(text)
        assert refused.message.startswith(("The", "A ", "There", "This", "'")) or "time" in refused.message
