"""Processes of engines: listed by when they began, whatever their ids, with what happened inside of them."""

import dataclasses

from cadence.application.shared.identifiers import derived_ulid, new_ulid
from cadence.domain.melodium.element import ElementSpec
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.run import Origin, Run, Treatment, Value
from cadence.domain.runs.states import TreatmentState
from tests.fakes.run_stores import RunRecords
from tests.fakes.runs import NOW, a_run

FIRST, LAST = "fffe2d9a-4b0a-4a24-9f1a-3f7f6a6c4d31", "00012d9a-4b0a-4a24-9f1a-3f7f6a6c4d31"


def a_process(run_id: str, minutes: int) -> Run:
    at = NOW.replace(minute=minutes)
    its = MelodiumRun(
        group_id="group", position=derived_ulid(at, run_id), version="0.10.2", mode="direct", tags=("entrypoint=main",)
    )
    return dataclasses.replace(a_run(run_id), created_at=at, melodium=its)


def spec(name: str, *inputs: InputSpec) -> TreatmentSpec:
    element = ElementSpec(
        treatment="std/flow::emit", track=1, generics={"T": "u128"}, parameters={"value": str(2**128 - 1)}
    )
    return TreatmentSpec(
        name=name,
        kind=TreatmentKind.ELEMENT,
        inputs=inputs,
        outputs=(OutputSpec(port="emit", flow="block", type="u128"),),
        element=element,
    )


def treatment(name: str, state: TreatmentState = TreatmentState.RUNNING) -> Treatment:
    return Treatment(run_id=FIRST, name=name, state=state, waiting=0, kind=TreatmentKind.ELEMENT, started_at=NOW)


def test_a_process_comes_back_as_it_was(store: RunRecords) -> None:
    store.create_run(a_process(FIRST, 1))
    assert store.get_run(FIRST) == a_process(FIRST, 1)
    assert list(store.get_runs([FIRST])) == [FIRST]


def test_ids_that_do_not_sort_by_time_are_listed_by_time_all_the_same(store: RunRecords) -> None:
    between = new_ulid(NOW.replace(minute=2))
    store.create_run(a_process(FIRST, 1))
    store.create_run(a_run(between))
    store.create_run(a_process(LAST, 3))
    listed, after = [], None
    while True:
        page = store.list_runs("acme", "site", 1, after)
        listed += [run.run_id for run in page.items]
        after = page.after
        if after is None:
            break
    assert listed == [LAST, between, FIRST]


def test_what_happened_inside_is_apart_from_what_is_scheduled(store: RunRecords) -> None:
    store.create_run(a_process(FIRST, 1))
    worker = Treatment(run_id=FIRST, name="worker", state=TreatmentState.RUNNING, waiting=0)
    store.admit(FIRST, [TreatmentSpec(name="worker")], [worker], [])
    names = ["main/emit", "main/talk/take", "main/talk/take#7"]
    fed = InputSpec(port="data", flow="block", type="u128", source_treatment="main/emit", source_port="emit")
    edge = Edge(
        run_id=FIRST,
        producer="main/emit",
        consumer="main/talk/take",
        trigger=Trigger.COMPLETED,
        state=EdgeState.DELIVERED,
    )
    store.put_elements(FIRST, [(spec(name, fed), treatment(name)) for name in names], [edge])
    assert [one.name for one in store.list_treatments(FIRST)] == ["worker"]
    assert [one.name for one in store.list_elements(FIRST)] == names
    assert store.count_unsettled(FIRST) == 1
    assert store.get_spec(FIRST, "main/talk/take#7") == spec("main/talk/take#7", fed)
    assert [one.name for one in store.list_element_specs(FIRST)] == names
    standing = store.get_context(FIRST, "main/talk/take#7")
    assert (standing.spec.element, standing.treatment) == (spec("x").element, treatment("main/talk/take#7"))
    pages, after = [], None
    while True:
        page = store.page_of_treatments(FIRST, 2, after)
        pages.append([one.name for one in page.items])
        after = page.after
        if after is None:
            break
    assert pages == [["worker", "main/emit"], ["main/talk/take", "main/talk/take#7"]]


def test_what_is_rebuilt_again_replaces_what_was_there(store: RunRecords) -> None:
    store.create_run(a_process(FIRST, 1))
    for state in (TreatmentState.RUNNING, TreatmentState.SUCCEEDED):
        store.put_elements(FIRST, [(spec("main/emit"), treatment("main/emit", state))], [])
    assert [one.state for one in store.list_elements(FIRST)] == [TreatmentState.SUCCEEDED]


def test_a_value_from_elsewhere_is_read_where_it_is_kept(store: RunRecords) -> None:
    store.create_run(a_process(FIRST, 1))
    value = Value(
        run_id=FIRST,
        treatment="main/Self",
        port="text",
        flow="block",
        type="string",
        sha256="a" * 64,
        size=3,
        chunks=1,
        attempt=1,
        origin=Origin(LAST, "main/a", "emit"),
    )
    copied = dataclasses.replace(value, port="copy", origin=Origin(LAST, "main/a", "emit", copied=True))
    store.put_values([value, copied])
    assert store.get_value(FIRST, "main/Self", "text") == value
    assert store.get_value(FIRST, "main/Self", "text").chunk_key(0) == f"runs/{LAST}/values/main/a/1/emit/{0:012}"
    assert store.get_value(FIRST, "main/Self", "copy").chunk_key(0) == f"runs/{FIRST}/values/main/Self/1/copy/{0:012}"
