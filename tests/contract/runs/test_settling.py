"""A treatment settles, delivers its edges and makes its consumers ready in one step, or changes nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.edge import Edge, EdgeState
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Conflict
from tests.fakes.run_stores import RunRecords
from tests.fakes.runs import a_run

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = "01a"
S = TreatmentState


@pytest.fixture
def joined(store: RunRecords) -> RunRecords:
    """A run in which `left` and `right` are at work; `both` follows the two, `after` follows `left` alone."""
    store.create_run(a_run(RUN))
    specs = [
        TreatmentSpec(name="left", run="true"),
        TreatmentSpec(name="right", run="true"),
        TreatmentSpec(name="both", run="true", after=("left", "right")),
        TreatmentSpec(name="after", run="true", after=("left",)),
    ]
    begins = beginning(RUN, specs, NOW)
    store.admit(RUN, specs, begins.treatments, begins.edges)
    for name in ("left", "right"):
        store.advance(RUN, name, 1, {S.PENDING}, S.RUNNING)
    return store


def succeed(store: RunRecords, name: str, edges: Sequence[Edge], ready: Sequence[Treatment]) -> bool:
    seen = store.get_treatment(RUN, name)
    return store.settle(seen, S.SUCCEEDED, None, 0, NOW, delivered=edges, ready=ready)


def standing(store: RunRecords) -> tuple[object, ...]:
    return store.get_run(RUN), store.list_treatments(RUN), store.edges_of(RUN)


def test_all_of_it_happens_at_once(joined: RunRecords) -> None:
    assert succeed(joined, "left", joined.edges_from(RUN, "left"), [joined.get_treatment(RUN, "after")])
    after, both = joined.get_treatment(RUN, "after"), joined.get_treatment(RUN, "both")
    assert (after.state, after.waiting, after.ready_at) == (S.READY, 0, NOW)
    assert after.history[-1] == StateChange(NOW, 1, S.READY)
    assert (both.state, both.waiting) == (S.PENDING, 1)
    assert {edge.state for edge in joined.edges_from(RUN, "left")} == {EdgeState.DELIVERED}
    assert joined.get_treatment(RUN, "left").state is S.SUCCEEDED
    assert joined.get_run(RUN).unsettled == 3


def test_a_consumer_that_waits_for_more_is_refused(joined: RunRecords) -> None:
    before = standing(joined)
    with pytest.raises(Conflict):
        succeed(joined, "left", joined.edges_from(RUN, "left"), [joined.get_treatment(RUN, "both")])
    assert standing(joined) == before


def test_a_consumer_that_has_moved_is_refused(joined: RunRecords) -> None:
    seen = joined.get_treatment(RUN, "after")
    joined.settle(seen, S.CANCELLED, "cancelled by ada", None, NOW)
    before = standing(joined)
    with pytest.raises(Conflict):
        succeed(joined, "left", joined.edges_from(RUN, "left"), [seen])
    assert standing(joined) == before


def test_an_edge_that_was_delivered_is_refused(joined: RunRecords) -> None:
    edges = joined.edges_from(RUN, "left")
    joined.deliver(edges[:1])
    before = standing(joined)
    with pytest.raises(Conflict):
        succeed(joined, "left", edges, ())
    assert standing(joined) == before


def test_it_is_done_once(joined: RunRecords) -> None:
    edges, after = joined.edges_from(RUN, "left"), [joined.get_treatment(RUN, "after")]
    seen = joined.get_treatment(RUN, "left")
    assert joined.settle(seen, S.SUCCEEDED, None, 0, NOW, delivered=edges, ready=after)
    before = standing(joined)
    assert not joined.settle(seen, S.SUCCEEDED, None, 0, NOW, delivered=edges, ready=after)
    assert standing(joined) == before


def test_the_last_of_two_producers_makes_the_consumer_ready(joined: RunRecords) -> None:
    both = joined.get_treatment(RUN, "both")
    edges = {name: [e for e in joined.edges_from(RUN, name) if e.consumer == "both"] for name in ("left", "right")}
    with pytest.raises(Conflict):
        succeed(joined, "left", edges["left"], [both])
    assert succeed(joined, "left", edges["left"], ())
    assert joined.get_treatment(RUN, "both").state is S.PENDING
    assert succeed(joined, "right", edges["right"], [joined.get_treatment(RUN, "both")])
    assert (joined.get_treatment(RUN, "both").state, joined.get_treatment(RUN, "both").waiting) == (S.READY, 0)
