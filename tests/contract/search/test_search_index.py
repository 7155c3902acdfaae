"""The same lines and the same queries give the same answers, whatever holds the index: those of the lines
themselves.
"""

from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from bench.log_corpus import segments
from cadence.adapters.opensearch.connection import OpenSearchConnection, connected
from cadence.adapters.opensearch.store import OpenSearchLines
from cadence.application.search.line_store_ports import Extent
from cadence.application.search.ports import Hit, LineCounts, SearchIndex, SearchScope
from cadence.application.search.split_ports import SplitCounting
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.parse import parse
from cadence.domain.search.query import EVERY_LINE, Condition, FieldName, Query
from cadence.domain.shared.errors import Conflict
from tests.contract.search.conftest import RETENTION, Install, Installation
from tests.unit.search.strategies import conditions

SCOPE = SearchScope("acme", ("shop", "platform", "mobile"))
CORPUS = list(segments(3_000, per_segment=250, per_run=1_000))
NOW = datetime.fromisoformat(CORPUS[-1].lines[-1]["time"]) + timedelta(minutes=1)
SINCE, UNTIL = "since:2026-06-01T00:00:20Z", "until:2026-06-01T00:00:50Z"
ODD_TEXTS = (
    "\x1b[31mERROR\x1b[0m: übertragung fehlgeschlagen",
    "half a pair \ud83d of an emoji",
    "日本語のログ connection_refused",
    "x" * 200 + " " + "y" * 64 + "z",
    "two\nlines of text",
    "",
    '"quoted" \\ {"json": [1]} \x00 end',
)
QUERIES = (
    "",
    "tests",
    "absent",
    "conn*",
    "übertr*",
    '"connection timed out"',
    '"pull comp"*',
    '"job 1"*',
    "/(?i)PULL complete$/",
    r"/^npm http .*\d{3}ms/",
    "level:error,warning",
    "level:error treatment:deploy OR deadlock",
    "-level:debug -tests",
    "NOT /^tests/",
    "treatment:uni*",
    "pipeline:build*,release",
    f"run:{CORPUS[0].run_id},none",
    "project:shop OR org:other",
    "-org:acme",
    "org:ac*",
    'pool:"" OR stream:stderr',
    "state:failed level:error",
    "state:succeeded deadlock",
    "-state:failed zstd",
    f"{SINCE} {UNTIL} tests -passed",
    f"{SINCE} level:warning",
    "refused fehlgeschlagen",
    "fehlgeschlagen",
    "本",
    "x" * 64,
    "quoted json end",
    # What would take for ever, or more than an index has room for, elsewhere.
    "/(x+x+)+y/ OR /^(.*a){12}$/",
    "/(?i)(([a-z])+.)+[A-Z]([a-z])+$/ treatment:deploy",
    "since:2017-01-01 until:9999-12-31T23:59:59Z tests",
    "until:2020-01-01",
    " OR ".join(f"{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz") + " OR 日 OR 本",
    "treatment:" + ",".join(["deploy", *(f"absent{number}" for number in range(80))]),
    "(" * 15 + "tests" + ")" * 15 + " -" + "(" * 15 + "passed" + ")" * 15,
    'NOT (NOT (NOT (tests "a b" OR -/x/ )))',
)


def _line(seq: int, text: str, **more: Any) -> dict[str, Any]:
    line = {
        "seq": seq,
        "time": f"2026-06-01T00:00:30.{seq:03}Z",
        "runner": "r",
        "treatment": "unit:3.13",
        "attempt": 2,
        "stream": "service:db",
        "level": "info",
        "text": text,
    }
    return line | more


@pytest.fixture(scope="module")
def installed(install: Install) -> Installation:
    """Most of it indexed (a part of it twice over), some fresh. Another organization has the same names and words."""
    its = install(NOW)
    for number, one in enumerate(CORPUS):
        its.write("acme", one.project, one.pipeline, one.run_id, one.lines)
        its.write("other", one.project, one.pipeline, f"9{one.run_id[1:]}", one.lines)
        if number == len(CORPUS) // 2:
            its.index_all()
    odd = [_line(seq, text) for seq, text in enumerate(ODD_TEXTS, 1)]
    odd.append(_line(len(odd) + 1, "goes on", continued=True, pool="linux"))
    odd.append(_line(len(odd) + 1, "", gap={"first": 3, "last": 5}))
    its.write("acme", "shop", "odd", "01k00000000000000000000007", odd)
    its.index_all()
    for one in CORPUS[:3]:
        its.write("acme", one.project, one.pipeline, one.run_id, [_line(1, "fresh tests"), _line(2, "deadlock")])
    return its


def _all_pages(index: SearchIndex, scope: SearchScope, query: Query, limit: int) -> Sequence[Hit]:
    found: list[Hit] = []
    before = None
    while True:
        page = index.search(scope, query, limit, before)
        assert len(page.hits) <= limit
        found += page.hits
        before = page.older
        if before is None:
            return found


def _comparable(hits: Sequence[Hit]) -> Sequence[Any]:
    return [(astuple(hit.place), hit.organization, hit.project, hit.pipeline, hit.line) for hit in hits]


@pytest.mark.parametrize("text", QUERIES)
def test_it_finds_the_lines_that_match_newest_first_and_each_once(installed: Installation, text: str) -> None:
    query = parse(text, NOW)
    wanted = _all_pages(installed.all_lines, SCOPE, query, 1_000)
    for limit in (37, 1_000):
        assert _comparable(_all_pages(installed.search, SCOPE, query, limit)) == _comparable(wanted)


@pytest.mark.parametrize("text", ["", "tests", "level:error", "state:failed level:error", "/cannot/", "fehlgeschlagen"])
@pytest.mark.parametrize("by", [None, *(name for name in FieldName if name is not FieldName.STATE)])
@pytest.mark.parametrize("seconds", [None, 7])
def test_it_counts_the_lines_that_match(
    installed: Installation, text: str, by: FieldName | None, seconds: int | None
) -> None:
    query = parse(f"{SINCE} {text}", NOW)
    interval = None if seconds is None else timedelta(seconds=seconds)
    wanted = installed.all_lines.count(SCOPE, query, by, interval)
    assert installed.search.count(SCOPE, query, by, interval) == LineCounts(wanted.counts, complete=True)


@pytest.mark.parametrize("text", ["tests", "level:error", "/cannot/"])
def test_counts_by_several_fields_are_those_by_each(installed: Installation, text: str) -> None:
    query = parse(f"{SINCE} {text}", NOW)
    fields = [FieldName.LEVEL, FieldName.TREATMENT, FieldName.PROJECT]
    wanted = [installed.all_lines.count(SCOPE, query, field) for field in fields]
    assert list(installed.search.count_by_fields(SCOPE, query, fields)) == wanted


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(condition=conditions)
def test_any_condition_means_what_it_means_on_a_line(installed: Installation, condition: Condition) -> None:
    query = Query(condition)
    wanted = installed.all_lines.count(SCOPE, query)
    assert installed.search.count(SCOPE, query) == wanted


def test_nothing_outside_of_the_scope_is_found_whatever_the_query_says(installed: Installation) -> None:
    for text in ("project:shop,platform OR tests", "org:acme OR org:other", "NOT project:shop OR NOT absent"):
        query = parse(text, NOW)
        hits = installed.search.search(SearchScope("acme", ("platform",)), query, 1_000).hits
        assert {(hit.organization, hit.project) for hit in hits} == {("acme", "platform")}
        assert installed.search.search(SearchScope("nobody", SCOPE.projects), query, 10).hits == []
        assert installed.search.search(SearchScope("acm", SCOPE.projects), query, 10).hits == []
        assert installed.search.search(SearchScope("acme", ("sho",)), query, 10).hits == []
        assert installed.search.search(SearchScope("acme", ()), query, 10).hits == []


def test_a_cursor_stays_valid_while_lines_come_and_are_indexed(install: Install) -> None:
    its = install(NOW)
    its.write("acme", "shop", "build", CORPUS[0].run_id, CORPUS[0].lines)
    first = its.search.search(SCOPE, EVERY_LINE, 100)
    its.write("acme", "shop", "build", CORPUS[0].run_id, CORPUS[1].lines)
    its.index_all()
    rest: list[Hit] = []
    older = first.older
    while older is not None:
        page = its.search.search(SCOPE, EVERY_LINE, 100, older)
        rest += page.hits
        older = page.older
    of_first = [hit for hit in (*first.hits, *rest) if hit.place.segment == 0]
    assert [hit.line for hit in reversed(of_first)] == sorted(CORPUS[0].lines, key=lambda line: line["time"])


def test_what_is_indexed_again_after_a_crash_is_found_once(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    its = install(NOW)
    segment = its.write("acme", "shop", "build", CORPUS[0].run_id, CORPUS[0].lines)

    def crash(segments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(its.catalogue, "forget_fresh", crash)
        with pytest.raises(KeyboardInterrupt):
            its.index_all()
    assert its.search.count(SCOPE, EVERY_LINE).counts[0].lines == segment.lines
    assert len(_all_pages(its.search, SCOPE, EVERY_LINE, 1_000)) == segment.lines
    its.index_all()
    assert its.catalogue.fresh == {}
    assert its.search.count(SCOPE, EVERY_LINE).counts[0].lines == segment.lines
    assert len(_all_pages(its.search, SCOPE, EVERY_LINE, 1_000)) == segment.lines


def test_what_is_no_log_is_set_aside_and_its_neighbours_are_found(install: Install) -> None:
    its = install(NOW)
    its.write("acme", "shop", "build", CORPUS[0].run_id, CORPUS[0].lines)
    its.write("acme", "shop", "build", CORPUS[0].run_id, [_line(1, "x") | {"text": 7}])
    its.segments.broken.add(its.write("acme", "shop", "build", CORPUS[0].run_id, CORPUS[1].lines).key)
    its.index_all()
    assert its.catalogue.fresh == {}
    assert {dead_letter.segment.number for dead_letter in its.catalogue.list_skipped_segments("acme", "shop")} == {1, 2}
    assert its.search.count(SCOPE, EVERY_LINE).counts[0].lines == len(CORPUS[0].lines)
    with pytest.raises(Conflict):
        its.catalogue.take_back(its.written[0])


def test_a_project_keeps_its_lines_as_long_as_it_says(install: Install) -> None:
    its = install(NOW)
    for project in ("shop", "mobile"):
        its.write("acme", project, "build", f"{CORPUS[0].run_id[:-1]}{len(project)}", CORPUS[0].lines)
    its.index_all()
    its.catalogue.put_retention("acme", "mobile", timedelta(days=1), NOW)
    its.clock.advance(timedelta(days=2))
    for _ in range(2):
        # At once by what is asked for, and then by removing it.
        counted = its.search.count(SCOPE, EVERY_LINE, FieldName.PROJECT).counts
        assert [(one.value, one.lines) for one in counted] == [("shop", len(CORPUS[0].lines))]
        for project in ("shop", "mobile"):
            its.tend.tend("acme", project, lambda: False)
    assert its.catalogue.get_state("acme", "mobile").due_at is None
    assert its.catalogue.get_state("acme", "shop").due_at is not None
    its.clock.advance(RETENTION)
    its.tend.tend("acme", "shop", lambda: False)
    assert its.catalogue.get_state("acme", "shop").due_at is None
    assert its.search.count(SCOPE, EVERY_LINE).counts == []


def test_a_search_without_end_stops_and_goes_on_where_it_stopped(install: Install) -> None:
    its = install(NOW, timedelta(0))
    for one in CORPUS:
        its.write("acme", one.project, one.pipeline, one.run_id, one.lines)
    its.index_all()
    query = parse("/e.*[0-9]{9}/ OR state:failed treatment:deploy", NOW)
    assert not its.search.count(SCOPE, query).complete
    first = its.search.search(SCOPE, query, 1_000)
    assert first.older is not None
    assert _comparable(_all_pages(its.search, SCOPE, query, 1_000)) == _comparable(
        _all_pages(its.all_lines, SCOPE, query, 1_000)
    )


def test_several_processes_write_the_same_indices_of_a_service(server: str) -> None:
    prefix = f"test-{uuid4().hex}"
    segment = Segment(
        organization="acme",
        project="shop",
        pipeline="build",
        run_id=CORPUS[0].run_id,
        number=0,
        key="",
        first_time="",
        last_time="",
        lines=250,
        treatments=(),
        levels=(),
    )
    extent = Extent("acme", {"shop": datetime(2026, 1, 1, tzinfo=UTC)}, [])
    for _ in range(2):
        store = OpenSearchLines(OpenSearchConnection(lambda: connected(server)), prefix, lambda: NOW)
        assert store.put([(segment, CORPUS[0].lines)]) == {}
        tally = store.count(extent, EVERY_LINE, Matcher(EVERY_LINE), SplitCounting(None, None), lambda: False)
        assert tally == ({(None, None): 250}, True)
    # What a service has no room for: it says so, and of which segment.
    refused = store.put([(replace(segment, number=1), [dict(_line(1, "x"), level="y" * 40_000)])])
    assert list(refused) == [(segment.run_id, 1)]
    # An index of a month long past goes with its last line.
    late = OpenSearchLines(OpenSearchConnection(lambda: connected(server)), prefix, lambda: NOW + timedelta(days=4_000))
    assert not late.remove("acme", "shop", NOW + timedelta(days=1))
    assert store.count(extent, EVERY_LINE, Matcher(EVERY_LINE), SplitCounting(None, None), lambda: False) == ({}, True)
