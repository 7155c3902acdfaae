"""Treatments, edges and values: admitted once, delivered once, settled once, whoever calls how often."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from cadence.domain.pipelines.specification import InputSpec, OutputSpec, RetrySpec, TreatmentSpec
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Conflict, NotFound
from tests.fakes.run_stores import RunRecords
from tests.fakes.runs import a_run

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = "01a"
S = TreatmentState


def admit(store: RunRecords, *specs: TreatmentSpec) -> Sequence[Edge]:
    begins = beginning(RUN, specs, NOW)
    store.admit(RUN, specs, begins.treatments, begins.edges)
    return begins.edges


@pytest.fixture
def run(store: RunRecords) -> str:
    store.create_run(a_run(RUN))
    return RUN


def fan_out(consumers: int) -> list[TreatmentSpec]:
    return [TreatmentSpec(name="root", run="true")] + [
        TreatmentSpec(name=f"c{n}", run="true", after=("root",)) for n in range(consumers)
    ]


def test_a_spec_comes_back_as_it_was(store: RunRecords, run: str) -> None:
    spec = TreatmentSpec(
        name="build",
        run="make",
        image="python:3.13",
        inputs=(InputSpec(port="in", flow="stream", type="byte", source_treatment="fetch", source_port="source"),),
        outputs=(OutputSpec(port="wheel", flow="stream", type="byte"),),
        env={"A": "1"},
        secrets={"TOKEN": "git"},
        pools=("near", "far"),
        cpu=500,
        after=("other",),
        retry=RetrySpec(infrastructure=3),
    )
    admit(store, TreatmentSpec(name="fetch", run="true"), TreatmentSpec(name="other", run="true"), spec)
    assert store.get_spec(RUN, "build") == spec
    assert store.get_treatment(RUN, "build").waiting == 2
    for missing in (store.get_spec, store.get_treatment):
        with pytest.raises(NotFound):
            missing(RUN, "none")


def test_admitting_again_leaves_what_has_advanced(store: RunRecords, run: str) -> None:
    specs = fan_out(52)  # with its edges, more than one transaction holds
    edges = admit(store, *specs)
    store.advance(RUN, "root", 1, {S.PENDING}, S.READY)
    store.settle(store.get_treatment(RUN, "root"), S.SUCCEEDED, None, 0, NOW)
    store.deliver(edges[:30])
    before = (store.get_run(RUN), store.list_treatments(RUN), store.edges_of(RUN))
    admit(store, *specs)
    assert (store.get_run(RUN), store.list_treatments(RUN), store.edges_of(RUN)) == before
    assert store.count_unsettled(RUN) == 52


def test_an_interrupted_admission_is_completed(store: RunRecords, run: str) -> None:
    specs = fan_out(30)
    begins = beginning(RUN, specs, NOW)
    treatments, edges = begins.treatments, begins.edges
    assert store.admit(RUN, specs[:4], treatments, edges[:7])  # the count is there, and some of the rest
    assert not store.admit(RUN, specs, treatments, edges)
    assert len(store.list_treatments(RUN)) == 31
    assert len(store.edges_of(RUN)) == 30
    assert store.count_unsettled(RUN) == 31


def test_a_treatment_is_read_together_with_its_specification_and_run(store: RunRecords, run: str) -> None:
    specs = fan_out(2)
    admit(store, *specs)
    standing = store.get_context(run, specs[1].name)
    assert standing.run == store.get_run(run)
    assert standing.spec == store.get_spec(run, specs[1].name)
    assert standing.treatment == store.get_treatment(run, specs[1].name)
    for unknown in ((run, "none"), ("none", specs[1].name)):
        with pytest.raises(NotFound):
            store.get_context(*unknown)


def test_other_treatments_of_the_run_are_read_with_it_as_far_as_they_exist(store: RunRecords, run: str) -> None:
    admit(store, *fan_out(2))
    context = store.get_context(run, "root", ["c0", "none", "root"])
    assert context.others == {name: store.get_treatment(run, name) for name in ("c0", "root")}
    assert store.get_context(run, "root").others == {}


def test_only_a_treatment_in_the_right_state_and_attempt_advances(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"))
    moved = store.advance(RUN, "a", 1, {S.PENDING, S.READY}, S.READY, ready_at=NOW, pool="near")
    assert (moved.state, moved.ready_at, moved.pool) == (S.READY, NOW, "near")
    assert store.get_treatment(RUN, "a") == moved
    for attempt, source in ((1, {S.PENDING}), (2, {S.READY})):
        with pytest.raises(Conflict):
            store.advance(RUN, "a", attempt, source, S.BOOTING)
    cleared = store.advance(RUN, "a", 1, {S.READY}, S.PLACING, attempt=2, pool=None)
    assert (cleared.attempt, cleared.pool) == (2, None)


def test_a_history_keeps_every_state_of_every_attempt(store: RunRecords, run: str) -> None:
    admit(
        store, TreatmentSpec(name="a", run="true"), TreatmentSpec(name="b", run="true", never="its condition is false")
    )
    times = [NOW + timedelta(seconds=seconds) for seconds in range(5)]
    store.advance(RUN, "a", 1, {S.PENDING}, S.READY, history=(StateChange(times[1], 1, S.READY),))
    for _ in range(2):  # a repeated call says the same again
        store.advance(
            RUN,
            "a",
            1,
            {S.READY, S.RUNNING},
            S.RUNNING,
            started_at=times[2],
            history=(StateChange(times[2], 1, S.RUNNING),),
        )
    ended = (StateChange(times[3], 1, S.LOST, "gone"), StateChange(times[3], 2, S.PLACING))
    moved = store.advance(RUN, "a", 1, {S.RUNNING}, S.PLACING, attempt=2, history=ended)
    store.settle(moved, S.FAILED, "exit code 3", 3, times[4])

    history = store.get_treatment(RUN, "a").history
    assert [(change.at, change.attempt, change.state, change.note) for change in history] == [
        (NOW, 1, "pending", ""),
        (times[1], 1, "ready", ""),
        (times[2], 1, "running", ""),
        (times[3], 1, "lost", "gone"),
        (times[3], 2, "placing", ""),
        (times[4], 2, "failed", "exit code 3"),
    ]
    (skipped,) = store.get_treatment(RUN, "b").history
    assert (skipped.state, skipped.note) == ("skipped", "its condition is false")


def test_a_treatment_that_does_not_exist_is_not_made(store: RunRecords, run: str) -> None:
    with pytest.raises(Conflict):
        store.advance(RUN, "ghost", 1, {S.PENDING}, S.READY)
    with pytest.raises(NotFound):
        store.get_treatment(RUN, "ghost")


def test_a_treatment_settles_once(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"), TreatmentSpec(name="b", run="true"))
    read = store.get_treatment(RUN, "a")
    assert store.settle(read, S.FAILED, "exit 3", 3, NOW) is True
    assert store.settle(read, S.SUCCEEDED, "fine", 0, NOW) is False
    settled = store.get_treatment(RUN, "a")
    assert (settled.state, settled.cause, settled.exit_code, settled.finished_at) == (S.FAILED, "exit 3", 3, NOW)
    assert store.settle(settled, S.SUCCEEDED, None, None, NOW) is False
    assert store.count_unsettled(RUN) == 1


def test_a_treatment_settles_with_a_soft_failure(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"), TreatmentSpec(name="b", run="true"))
    assert store.settle(store.get_treatment(RUN, "a"), S.FAILED, "exit 3", 3, NOW, soft_failed=True) is True
    assert store.settle(store.get_treatment(RUN, "b"), S.FAILED, "exit 3", 3, NOW) is True
    assert {one.name: one.soft_failed for one in store.list_treatments(RUN)} == {"a": True, "b": False}


def test_a_settled_treatment_waits_for_nothing(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"))
    waiting = store.advance(RUN, "a", 1, {S.PENDING}, S.READY, waiting_for="an approval")
    assert store.settle(waiting, S.CANCELLED, "cancelled by ada", None, NOW) is True
    assert store.get_treatment(RUN, "a").waiting_for is None


def test_a_treatment_that_moved_on_is_not_settled(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"))
    pending = store.get_treatment(RUN, "a")
    store.advance(RUN, "a", 1, {S.PENDING}, S.READY)
    with pytest.raises(Conflict):
        store.settle(pending, S.SKIPPED, "in vain", None, NOW)
    ready = store.get_treatment(RUN, "a")
    store.advance(RUN, "a", 1, {S.READY}, S.READY, attempt=2)
    with pytest.raises(Conflict):
        store.settle(ready, S.LOST, "old attempt", None, NOW)
    assert store.count_unsettled(RUN) == 1


def test_of_many_who_settle_at_once_one_succeeds(store: RunRecords, run: str) -> None:
    admit(store, *[TreatmentSpec(name=f"t{n}", run="true") for n in range(6)])
    read = [store.get_treatment(RUN, f"t{n}") for n in range(6)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda t: store.settle(t, S.CANCELLED, None, None, NOW), read * 4))
    assert won.count(True) == 6
    assert store.count_unsettled(RUN) == 0


@pytest.mark.parametrize("consumers", [1, 48, 97])
def test_every_consumer_is_told_whatever_their_number(store: RunRecords, run: str, consumers: int) -> None:
    edges = admit(store, *fan_out(consumers))
    told = store.deliver(edges)
    assert sorted(t.name for t in told) == sorted(f"c{n}" for n in range(consumers))
    assert {t.waiting for t in told} == {0}
    assert {e.state for e in store.edges_from(RUN, "root")} == {EdgeState.DELIVERED}


def test_delivering_again_changes_nothing_but_tells_the_consumers(store: RunRecords, run: str) -> None:
    edges = admit(store, *fan_out(3))
    first = store.deliver(edges)
    assert store.deliver(edges) == first
    assert store.deliver(store.edges_from(RUN, "root")) == first


def test_a_group_of_which_some_was_delivered_is_completed(store: RunRecords, run: str) -> None:
    edges = admit(store, *fan_out(49))
    store.deliver(edges[10:20])
    told = store.deliver(edges)  # as read before
    assert len(told) == 49
    assert {t.waiting for t in told} == {0}


def test_one_consumer_that_waits_for_several_things_of_one_producer(store: RunRecords, run: str) -> None:
    port = InputSpec(port="in", flow="stream", type="byte", source_treatment="root", source_port="out")
    failed = InputSpec(port="alarm", flow="block", type="void", source_treatment="root", source_port="failed")
    edges = admit(
        store,
        TreatmentSpec(name="root", run="true"),
        TreatmentSpec(name="c", run="true", inputs=(port, failed), after=("root",)),
    )
    assert {e.trigger for e in edges} == {Trigger.OPENED, Trigger.FAILED, Trigger.COMPLETED}
    (consumer,) = store.deliver([e for e in edges if e.trigger is not Trigger.FAILED])
    assert consumer.waiting == 1
    (consumer,) = store.bury([e for e in edges if e.trigger is Trigger.FAILED])
    assert consumer.waiting == 1


def test_what_was_delivered_is_not_buried_and_the_other_way_round(store: RunRecords, run: str) -> None:
    edges = admit(store, *fan_out(2))
    store.deliver(edges[:1])
    store.bury(edges)
    store.deliver(edges)
    states = {e.consumer: e.state for e in store.edges_of(RUN)}
    assert states == {edges[0].consumer: EdgeState.DELIVERED, edges[1].consumer: EdgeState.DEAD}
    assert store.get_treatment(RUN, edges[1].consumer).waiting == 1


def test_nothing_to_deliver_tells_nobody(store: RunRecords, run: str) -> None:
    admit(store, TreatmentSpec(name="a", run="true"))
    assert list(store.deliver([])) == []
    assert list(store.bury([])) == []


def test_producers_that_settle_at_once_leave_no_count_behind(store: RunRecords, run: str) -> None:
    producers = [TreatmentSpec(name=f"p{n}", run="true") for n in range(12)]
    sink = TreatmentSpec(name="sink", run="true", after=tuple(p.name for p in producers))
    edges = admit(store, *producers, sink)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda edge: store.deliver([edge])[0].waiting, [*edges, *edges]))
    assert store.get_treatment(RUN, "sink").waiting == 0
    assert 0 in told


def test_edges_of_a_producer_are_not_those_of_a_longer_name(store: RunRecords, run: str) -> None:
    admit(
        store,
        TreatmentSpec(name="a", run="x"),
        TreatmentSpec(name="a-b", run="x"),
        TreatmentSpec(name="c", run="x", after=("a", "a-b")),
    )
    assert [e.producer for e in store.edges_from(RUN, "a")] == ["a"]


def test_a_value_comes_back_as_it_was(store: RunRecords, run: str) -> None:
    value = Value(
        run_id=RUN,
        treatment="a",
        port="out",
        flow="block",
        type="byte",
        sha256="f" * 64,
        size=3,
        chunks=1,
        attempt=2,
        preview=b"\x00abc",
        created_at=NOW,
    )
    empty = Value(
        run_id=RUN, treatment="a", port="none", flow="block", type="byte", sha256="0" * 64, size=0, chunks=0, attempt=1
    )
    store.put_values([value, empty])
    store.put_values([value])
    assert store.get_value(RUN, "a", "out") == value
    assert sorted(store.list_values(RUN), key=lambda v: v.port) == [empty, value]
    with pytest.raises(NotFound):
        store.get_value(RUN, "b", "out")


def test_treatments_are_told_page_by_page(store: RunRecords, run: str) -> None:
    names = ["a", "a:1", "a:10", "a:2", "a-b", "ab", "b"]
    admit(store, *(TreatmentSpec(name=name) for name in names))
    seen: list[str] = []
    after = None
    while True:
        page = store.page_of_treatments(run, 2, after)
        seen += [treatment.name for treatment in page.items]
        after = page.after
        if after is None:
            break
    assert seen == sorted(names)
