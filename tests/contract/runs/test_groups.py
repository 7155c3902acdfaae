"""Groups: instances made once with all that counts them, whoever calls how often; places given once."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.application.scheduling.group_parallelism import GroupParallelism
from cadence.application.shared.run_ports import MOST_ADDED
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.group import EachProgress, InstanceSlots
from cadence.domain.shared.errors import Conflict, NotFound
from tests.fakes.runs import a_run

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = "01a"
S = TreatmentState


class Stores:
    """The runs, and what groups know, of one table."""

    def __init__(self, runs: Any) -> None:
        self._stores = [runs]
        if isinstance(runs, DynamoRunStore):
            self._stores.append(DynamoGroupStore(RunItem.Meta.table_name))

    def __getattr__(self, name: str) -> Any:
        return next(getattr(store, name) for store in self._stores if hasattr(store, name))


@pytest.fixture
def run(store: Any) -> Any:
    store.create_run(a_run(RUN))
    specs = [
        TreatmentSpec(name="g", kind=TreatmentKind.EACH, each="item", when="true", when_over=("a",)),
        TreatmentSpec(name="a", never="its condition is false"),
        TreatmentSpec(name="m", kind=TreatmentKind.GATHER, instances=("m:0", "m:1", "m:2"), parallel=2),
        *(TreatmentSpec(name=f"m:{number}", group="m") for number in range(3)),
    ]
    begins = beginning(RUN, specs, NOW)
    store.admit(RUN, specs, begins.treatments, begins.edges)
    return Stores(store)


def made(number: int, size: int = 1) -> TreatmentSpec:
    return TreatmentSpec(
        name=f"g:{number}", group="g", inputs=(InputSpec(port="item", flow="block", type="string", literal="é" * size),)
    )


def running(store: Any) -> EachProgress:
    store.advance(RUN, "g", 1, {S.PENDING}, S.RUNNING)
    return store.get_growth(RUN, "g")  # type: ignore[no-any-return]


def test_what_is_decided_from_the_start_is_stored_so(run: Any) -> None:
    assert run.count_unsettled(RUN) == 5
    a, g, bounded = (run.get_treatment(RUN, name) for name in ("a", "g", "m:0"))
    assert (a.state, a.cause) == (S.SKIPPED, "its condition is false")
    assert (g.kind, g.conditional, g.waiting, bounded.bounded_by) == (TreatmentKind.EACH, True, 0, "m")
    assert run.get_treatment(RUN, "m").waiting == 3


def test_instances_are_added_with_all_that_counts_them(run: Any) -> None:
    seen = running(run)
    specs = [made(number, 20_000) for number in range(MOST_ADDED)]
    after = dataclasses.replace(seen, made=MOST_ADDED, sequence=3, offset=7, digest="abc", epoch=2)
    run.add_instances(seen, after, specs, NOW)
    assert run.count_unsettled(RUN) == 5 + MOST_ADDED
    assert run.get_treatment(RUN, "g").waiting == MOST_ADDED
    assert run.get_growth(RUN, "g") == dataclasses.replace(after, version=1)
    first = run.get_treatment(RUN, "g:0")
    assert (first.state, first.waiting, first.ready_at) == (S.READY, 0, NOW)
    assert run.get_spec(RUN, "g:1") == specs[1]
    (edge,) = run.edges_from(RUN, "g:1")
    assert (edge.consumer, edge.trigger) == ("g", Trigger.SETTLED)
    (group,) = run.deliver([edge])
    assert group.waiting == MOST_ADDED - 1
    with pytest.raises(Conflict):
        run.add_instances(seen, after, specs, NOW)
    assert run.count_unsettled(RUN) == 5 + MOST_ADDED


def test_a_group_that_ended_or_whose_run_is_stopped_gets_no_more(run: Any) -> None:
    seen = run.get_growth(RUN, "g")
    with pytest.raises(Conflict):
        run.add_instances(seen, seen, [made(0)], NOW)  # it does not run yet
    running(run)
    run.request_stop(RUN, RunState.CANCELLED, "cancelled by alice")
    with pytest.raises(Conflict):
        run.add_instances(seen, seen, [made(0)], NOW)
    with pytest.raises(NotFound):
        run.get_treatment(RUN, "g:0")
    assert run.count_unsettled(RUN) == 5


def test_growth_changes_only_as_it_was_seen(run: Any) -> None:
    seen = run.get_growth(RUN, "g")
    kept = run.save_growth(seen, dataclasses.replace(seen, token="t", failure="element 1: x"))
    assert run.get_growth(RUN, "g") == kept
    with pytest.raises(Conflict):
        run.save_growth(seen, seen)


def test_a_reason_to_end_is_kept_once_and_only_before_the_end(run: Any) -> None:
    assert run.request_cancel(RUN, "m:0", "first").cancel_reason == "first"
    assert run.request_cancel(RUN, "m:0", "second").cancel_reason == "first"
    run.settle(run.get_treatment(RUN, "m:1"), S.CANCELLED, "why", None, NOW)
    assert run.request_cancel(RUN, "m:1", "late").cancel_reason is None


def test_never_more_are_inside_than_there_are_places(run: Any) -> None:
    bounding = GroupParallelism(run)
    with ThreadPoolExecutor(3) as pool:
        entered = list(pool.map(lambda number: bounding.enter(RUN, "m", [f"m:{number}"]), range(3)))
    assert sorted(map(len, entered)) == [0, 1, 1]
    places: InstanceSlots = run.get_places(RUN, "m")
    (late,) = places.waiting
    assert bounding.enter(RUN, "m", places.under_way[:1]) == set(places.under_way[:1])
    assert bounding.leave(RUN, "m", places.under_way[0]) == [late]
    assert late in bounding.leave(RUN, "m", places.under_way[0])  # again: all that are inside
    with pytest.raises(NotFound):
        run.get_places(RUN, "g")


def test_instances_ask_for_their_places_together_and_wait_in_order(run: Any) -> None:
    bounding = GroupParallelism(run)
    before = run.get_places(RUN, "m").version
    names = [f"m:{number}" for number in range(5)]
    assert bounding.enter(RUN, "m", names) == {"m:0", "m:1"}
    places: InstanceSlots = run.get_places(RUN, "m")
    assert (places.waiting, places.version) == (("m:2", "m:3", "m:4"), before + 1)
    assert bounding.enter(RUN, "m", names[1:3]) == {"m:1"}
    assert run.get_places(RUN, "m") == places
