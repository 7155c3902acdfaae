"""A treatment settles, delivers its edges and makes its consumers ready in one step, or changes nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.edge import Edge
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
    return store.get_run(RUN), store.count_unsettled(RUN), store.list_treatments(RUN), store.edges_of(RUN)


def test_all_of_it_happens_at_once(joined: RunRecords) -> None:
    assert succeed(joined, "left", joined.edges_from(RUN, "left"), [joined.get_treatment(RUN, "after")])
    after, both = joined.get_treatment(RUN, "after"), joined.get_treatment(RUN, "both")
    assert (after.state, after.waiting, after.ready_at) == (S.READY, 0, NOW)
    assert after.history[-1] == StateChange(NOW, 1, S.READY)
    assert (both.state, both.waiting) == (S.PENDING, 1)
    left = joined.get_treatment(RUN, "left")
    assert (left.state, left.edges_delivered) == (S.SUCCEEDED, True)


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


def test_the_edge_of_a_stream_is_delivered_once(store: RunRecords) -> None:
    store.create_run(a_run(RUN))
    read = InputSpec(port="in", flow="stream", type="byte", source_treatment="left", source_port="out")
    specs = [TreatmentSpec(name="left", run="true"), TreatmentSpec(name="reader", run="cat", inputs=(read,))]
    begins = beginning(RUN, specs, NOW)
    store.admit(RUN, specs, begins.treatments, begins.edges)
    store.advance(RUN, "left", 1, {S.PENDING}, S.RUNNING)
    edges = store.edges_from(RUN, "left")
    store.deliver(edges)
    before = standing(store)
    with pytest.raises(Conflict):
        succeed(store, "left", edges, ())
    assert standing(store) == before


def test_a_consumer_made_ready_leaves_the_run_s_count_with_its_producer(joined: RunRecords) -> None:
    assert succeed(joined, "left", joined.edges_from(RUN, "left"), [joined.get_treatment(RUN, "after")])
    assert joined.count_unsettled(RUN) == 4
    assert succeed(joined, "right", joined.edges_from(RUN, "right"), [joined.get_treatment(RUN, "both")])
    assert succeed(joined, "after", (), ())
    assert joined.count_unsettled(RUN) == 2
    assert succeed(joined, "both", (), ())
    assert joined.count_unsettled(RUN) == 0


def test_only_the_first_of_several_consumers_carries_the_count(store: RunRecords) -> None:
    store.create_run(a_run(RUN))
    specs = [TreatmentSpec(name="one", run="true")]
    specs += [TreatmentSpec(name=name, run="true", after=("one",)) for name in ("two", "three")]
    begins = beginning(RUN, specs, NOW)
    store.admit(RUN, specs, begins.treatments, begins.edges)
    store.advance(RUN, "one", 1, {S.PENDING}, S.RUNNING)
    ready = [store.get_treatment(RUN, name) for name in ("two", "three")]
    assert succeed(store, "one", store.edges_from(RUN, "one"), ready)
    assert store.count_unsettled(RUN) == 3
    assert succeed(store, "three", (), ())
    assert store.count_unsettled(RUN) == 2
    assert succeed(store, "two", (), ())
    assert store.count_unsettled(RUN) == 0


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
