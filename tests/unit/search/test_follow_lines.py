"""Following lines across runs: none is missed, none is told twice, whatever is written meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.application.search.live_ports import LivePage, LivePosition
from cadence.application.search.ports import SearchScope
from cadence.domain.search.matching import Matcher
from cadence.domain.search.parse import parse
from cadence.domain.shared.errors import Gone, InvalidRequest
from tests.unit.search.logs import PROJECTS, SCOPE, Logs

WRITES = st.lists(
    st.tuples(
        st.sampled_from(sorted(PROJECTS)),
        st.sets(st.integers(1, 200), min_size=1, max_size=8),
        st.integers(0, 2),
    ),
    max_size=12,
)


def look(
    logs: Logs, after: LivePosition, text: str = "", scope: SearchScope = SCOPE, limit: int = 1_000, wait: float = 0
) -> LivePage:
    query = parse(text, logs.now)
    matches = Matcher(query, logs.states.within())
    return logs.follow.follow(scope, query, matches, after, limit, timedelta(seconds=wait))


@settings(max_examples=150)
@given(WRITES, st.integers(1, 6))
def test_each_line_is_told_once_in_the_order_of_its_run(writes, limit):
    """`looks` after each write; a look whose answer was lost is repeated from the same position and says the same."""
    logs = Logs()
    position = logs.start()
    told: list[tuple[str, int, int]] = []
    for run_id, numbers, looks in writes:
        logs.write(run_id, *sorted(numbers), text="x" * 10)
        for _ in range(looks):
            page = look(logs, position, limit=limit)
            again = look(logs, position, limit=limit)
            assert again == page
            told += [(one.segment.run_id, one.segment.number, one.index) for one in page.lines]
            position = LivePosition.of(str(page.after))
    while True:
        page = look(logs, position, limit=limit)
        told += [(one.segment.run_id, one.segment.number, one.index) for one in page.lines]
        position = page.after
        if not page.more:
            break
    everything = {
        (segment.run_id, segment.number, index) for segment in logs.index.segments for index in range(segment.lines)
    }
    assert len(told) == len(everything) and set(told) == everything
    for run_id in PROJECTS:
        places = [place for place in told if place[0] == run_id]
        assert places == sorted(places)


def test_only_what_comes_after_the_start_is_told():
    logs = Logs()
    logs.write("run-a", 1)
    position = logs.start()
    assert look(logs, position).lines == []
    logs.write("run-a", 2)
    assert [one.line["seq"] for one in look(logs, position).lines] == [2]


def test_what_the_scope_leaves_out_is_never_read():
    logs = Logs()
    position = logs.start()
    logs.write("run-a", 1)
    logs.write("run-c", 1)
    page = look(logs, position, "project:site,web", SearchScope("acme", ("web",)))
    assert [one.segment.project for one in page.lines] == ["web"]
    assert {key.split("/")[0] for key in logs.segments.read_keys} == {"run-c"}
    assert look(logs, position, scope=SearchScope("other", ("site", "web"))).lines == []


def test_a_gap_that_may_have_hidden_a_match_is_told():
    logs = Logs()
    position = logs.start()
    logs.write("run-a", 1, 4)
    assert [one.line["gap"] for one in look(logs, position, "nothing").lines] == [{"first": 2, "last": 3}]
    assert look(logs, position, "nothing treatment:other").lines == []


def test_it_waits_for_the_first_line_and_tells_its_runners_to_hurry():
    logs = Logs()
    position = logs.start()
    began = logs.now
    assert look(logs, position, wait=60).lines == []
    assert timedelta(seconds=2) <= logs.now - began < timedelta(seconds=2.2)
    assert logs.followers.followed == []
    logs.write("run-b", 1)
    page = look(logs, position, wait=2)
    assert len(page.lines) == 1
    logs.write("run-b", 2)
    look(logs, page.after, wait=2)
    assert logs.followers.followed == ["run-b"]  # once for a while, not with every line


def test_many_lines_that_do_not_match_end_a_look_with_a_position_further_on():
    logs = Logs()
    position = logs.start()
    for n in range(1, 130):
        logs.write("run-a", n)
    pages = 0
    while (page := look(logs, position, "nothing")).more:
        assert page.lines == [] and page.after != position
        position = page.after
        pages += 1
    assert pages == 2
    logs.write("run-a", 130, text="nothing")
    assert len(look(logs, page.after, "nothing").lines) == 1


def test_a_page_has_a_bounded_size():
    logs = Logs()
    position = logs.start()
    logs.write("run-a", *range(1, 11), text="x" * 60_000)
    page = look(logs, position)
    assert page.more and sum(len(one.line["text"]) for one in page.lines) <= 250_000
    assert (
        len(page.lines) + len(look(logs, page.after).lines) + len(look(logs, look(logs, page.after).after).lines) == 10
    )


def test_whoever_comes_back_too_late_is_told():
    logs = Logs()
    position = logs.start()
    logs.write("run-a", 1)
    logs.write("run-a", 2)
    logs.index.forgotten = 1
    with pytest.raises(Gone):
        look(logs, position)


@pytest.mark.parametrize(
    "text", ["", "x", "1.0", "1.0-2.0-3.0", "1.0-2.0-3.0-4.0-5.0", "1.0-2.0-3.0-x", "-1.0-0.0-0.0-0.0"]
)
def test_a_made_up_position_is_refused(text):
    with pytest.raises(InvalidRequest):
        LivePosition.of(text)
