"""What leads from one run to another, and from a digest to the runs that have it."""

import dataclasses
from datetime import UTC, datetime

import pytest

from cadence.adapters.dynamodb.provenance.provenance_store import DynamoProvenance
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.application.provenance.ports import FollowingRun, ProvenanceStore
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import Edge, Trigger
from cadence.domain.runs.run import Origin, Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from tests.fakes.provenance import MemoryProvenance
from tests.fakes.run_stores import RunRecords
from tests.fakes.runs import MemoryRunStore

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SHA = "a" * 64


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request) -> tuple[RunRecords, ProvenanceStore]:
    if request.param == "memory":
        memory = MemoryRunStore()
        return memory, MemoryProvenance(memory)
    table = request.getfixturevalue("bound_table")
    return DynamoRunStore(table), DynamoProvenance(table)


def a_run(run_id, **changes):
    run = Run(
        run_id=run_id,
        organization="acme",
        project="site",
        pipeline="build",
        state=RunState.PENDING,
        created_at=NOW,
        document_sha256="d" * 64,
        plan_sha256="e" * 64,
    )
    return dataclasses.replace(run, **changes)


def a_value(run_id, treatment, port="out", sha256=SHA, size=3):
    return Value(
        run_id=run_id,
        treatment=treatment,
        port=port,
        flow="block",
        type="string",
        sha256=sha256,
        size=size,
        chunks=1,
        attempt=1,
        preview=b"abc",
        created_at=NOW,
    )


def test_a_digest_leads_to_the_runs_that_have_it_newest_first(stores):
    runs, provenance = stores
    for run_id, project in (("01a", "site"), ("01b", "site"), ("01c", "site"), ("01d", "other")):
        runs.create_run(a_run(run_id, project=project))
    runs.put_values([a_value("01a", f"t{number}") for number in range(20)])
    runs.put_values([a_value("01b", "t", sha256="b" * 64), a_value("01b", "e", size=0)])
    for _ in range(2):
        runs.put_values([a_value("01c", "t")])
    runs.put_values([a_value("01d", "t")])

    found, after = [], None
    while True:
        page = provenance.places_of("acme", "site", SHA, 6, after)
        found += page.items
        after = page.after
        if after is None:
            break

    assert [(place.run_id, place.treatment) for place in found] == [
        ("01c", "t"),
        *sorted((("01a", f"t{number}") for number in range(20)), reverse=True),
    ]
    assert (found[0].port, found[0].size, found[0].made_at, found[0].kept_from) == ("out", 3, NOW, None)
    assert [place.run_id for place in provenance.places_of("acme", "other", SHA, 5).items] == ["01d"]
    assert not provenance.places_of("rival", "site", SHA, 5).items


def test_a_run_leads_to_those_that_came_of_it(stores):
    runs, provenance = stores
    runs.create_run(a_run("01a"))
    runs.create_run(a_run("01c", started_by_run="01a", started_by_treatment="go"))
    runs.create_run(a_run("01b", started_by_run="01a"))
    runs.create_run(a_run("01d", rerun_of="01a"))
    runs.create_run(a_run("01e", started_by_run="01b"))

    first = provenance.following_runs("01a", 2)
    rest = provenance.following_runs("01a", 2, first.after)

    assert [*first.items, *rest.items] == [
        FollowingRun("01b", "started"),
        FollowingRun("01c", "started", "go"),
        FollowingRun("01d", "rerun"),
    ]
    assert rest.after is None


def test_a_producer_leads_to_its_consumers_page_by_page(stores):
    runs, provenance = stores
    runs.create_run(a_run("01a"))
    names = [f"c{number}" for number in range(7)]
    edges = [Edge(run_id="01a", producer="p", consumer=name, trigger=Trigger.COMPLETED) for name in names]
    edges += [
        Edge(run_id="01a", producer="p", consumer="c3", trigger=Trigger.OPENED),
        Edge(run_id="01a", producer="p2", consumer="other", trigger=Trigger.COMPLETED),
    ]
    specs = [TreatmentSpec(name=name, run="true") for name in ("p", "p2", "other", *names)]
    runs.admit(
        "01a",
        specs,
        [Treatment(run_id="01a", name=spec.name, state=TreatmentState.PENDING, waiting=1) for spec in specs],
        edges,
    )

    found, after = [], None
    for _ in range(4):
        page = provenance.consumers("01a", "p", 3, after)
        found += page.items
        after = page.after
        if after is None:
            break

    assert found == names
    assert after is None
    assert set(provenance.get_specs([("01a", "p"), ("01a", "none")])) == {("01a", "p")}


def test_the_documents_that_a_run_uses_are_kept(stores):
    runs, _ = stores
    runs.create_run(a_run("01a", pins={"lib": SHA}))
    runs.create_run(a_run("01b"))
    assert (runs.get_run("01a").pins, runs.get_run("01b").pins) == ({"lib": SHA}, {})


def test_a_value_that_went_to_another_run_is_found_there(stores):
    runs, provenance = stores
    for run_id in ("01a", "01b", "01c"):
        runs.create_run(a_run(run_id))
    sent = a_value("01a", "main/a#7", "out")
    origin = Origin("01a", "main/a#7", "out")
    arrived = [
        dataclasses.replace(sent, run_id=run_id, treatment="main/Self", port=port, origin=origin)
        for run_id in ("01b", "01c")
        for port in ("x", "y")
    ]
    beside = dataclasses.replace(sent, treatment="main/outer", origin=origin)
    other = dataclasses.replace(arrived[0], port="z", origin=Origin("01a", "main/a", "out"))
    for _ in range(2):
        runs.put_values([sent, *arrived, beside, other])

    first = provenance.passed_to("01a", "main/a#7", "out", 3)
    rest = provenance.passed_to("01a", "main/a#7", "out", 3, first.after)
    assert [(one.run_id, one.treatment, one.port) for one in (*first.items, *rest.items)] == [
        (value.run_id, "main/Self", value.port) for value in arrived
    ]
    assert (len(first.items), rest.after) == (3, None)
    assert [one.port for one in provenance.passed_to("01a", "main/a", "out", 9).items] == ["z"]
    assert provenance.passed_to("01a", "main/outer", "out", 9).items == []
