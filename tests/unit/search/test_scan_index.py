"""Looking through segments: every matching line once, the newest first, however it is paged."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.application.search.ports import LinePosition, SearchScope
from cadence.domain.search.parse import parse
from cadence.domain.search.query import FieldName, Query
from tests.unit.search.logs import PROJECTS, SCOPE, START, Logs

WRITES = st.lists(
    st.tuples(st.sampled_from(sorted(PROJECTS)), st.sets(st.integers(1, 60), min_size=1, max_size=5)), max_size=10
)


def query(text: str) -> Query:
    return parse(text, START + timedelta(hours=1))


@settings(max_examples=100)
@given(WRITES, st.integers(1, 5))
def test_pages_hold_each_line_once_and_the_newest_first(writes, limit):
    logs = Logs()
    for run_id, numbers in writes:
        logs.write(run_id, *sorted(numbers))
    found: list[LinePosition] = []
    before = None
    while True:
        page = logs.search.search(SCOPE, query(""), limit, before)
        assert len(page.hits) <= limit
        found += [hit.place for hit in page.hits]
        before = page.older
        if before is None:
            break
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found) == sum(segment.lines for segment in logs.index.segments)


def test_only_the_scope_is_looked_at_whatever_the_query_says():
    logs = Logs()
    logs.write("run-a", 1)
    logs.write("run-c", 1)
    found = logs.search.search(SearchScope("acme", ("web",)), query("project:site,web OR line"), 10)
    assert [(hit.project, hit.line["seq"]) for hit in found.hits] == [("web", 1)]
    assert not logs.search.search(SearchScope("other", ("site", "web")), query(""), 10).hits


def test_segments_that_cannot_match_are_not_read():
    logs = Logs()
    logs.write("run-a", 1, 2)
    logs.write("run-b", *range(1, 51), treatment="test")
    logs.search.search(SCOPE, query("treatment:test"), 10)
    logs.search.search(SCOPE, query("run:run-b"), 10)
    logs.search.search(SCOPE, query("since:2026-01-01T00:00:30Z"), 10)
    assert {key.split("/")[0] for key in logs.segments.read_keys} == {"run-b"}


def test_states_are_those_of_the_treatments():
    logs = Logs()
    logs.write("run-a", 1)
    logs.write("run-b", 1)
    assert [hit.place.run_id for hit in logs.search.search(SCOPE, query("state:failed"), 10).hits] == ["run-a"]


def test_a_bound_on_the_work_gives_a_place_to_go_on_from():
    logs = Logs()
    logs.write("run-a", *range(1, 30))
    began = logs.now
    ticking = iter(range(10_000))
    logs.search = type(logs.search)(
        logs.search.all_segments, logs.search.scan, logs.states, lambda: began + timedelta(seconds=next(ticking))
    )
    found: list[int] = []
    before = None
    for _ in range(100):
        page = logs.search.search(SCOPE, query("line"), 1_000, before)
        found += [hit.line["seq"] for hit in page.hits]
        before = page.older
        if before is None:
            break
    assert found == list(range(29, 0, -1))


def test_counts():
    logs = Logs()
    logs.write("run-a", 1, 2, 3)
    logs.write("run-b", *range(1, 61))
    logs.write("run-c", 1, treatment="test")

    def counted(text: str, by: FieldName | None = None, interval: timedelta | None = None) -> list[Any]:
        found = logs.search.count(SCOPE, query(text), by, interval)
        assert found.complete
        return [(count.start and count.start.minute, count.value, count.lines) for count in found.counts]

    assert counted("") == [(None, None, 64)]
    assert counted("nothing") == []
    assert counted("", FieldName.TREATMENT) == [(None, "build", 63), (None, "test", 1)]
    assert counted("", FieldName.PROJECT) == [(None, "site", 63), (None, "web", 1)]
    assert counted("", None, timedelta(minutes=1)) == [(0, None, 63), (1, None, 1)]
    assert counted("", FieldName.POOL, timedelta(minutes=1)) == [(0, "spot", 63), (1, "spot", 1)]
    assert isinstance(logs.search.count(SCOPE, query(""), None, timedelta(minutes=1)).counts[0].start, datetime)
