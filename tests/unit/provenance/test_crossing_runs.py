"""Where a value came from in other runs."""

import dataclasses

import pytest

from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import CacheSpec, TreatmentKind, TriggerSpec
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.provenance.graph import Direction, LinkKind
from cadence.domain.runs.run import Origin, ReplayOf
from cadence.domain.runs.states import RunState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.cache import CacheMaker, CacheUse
from tests.unit.provenance.setting import NOW, Past, link, names, spec
from tests.unit.provenance.test_backward import chain


@pytest.fixture
def past() -> Past:
    return Past()


def test_a_rerun_leads_to_the_run_that_made_the_value(past):
    first = chain(past)
    again = past.run("01b", *past.runs.specs.values(), rerun_of="01a")
    for value in past.runs.list_values(first.run_id):
        past.runs.put_values([dataclasses.replace(value, run_id="01b", kept_from="01a")])
    past.sent(again, "report", "out", b"new\n")
    graph = past.back(again, "report.out")
    kept = link(graph, "value:01b/shout.out", "value:01a/shout.out")
    assert kept.kind is LinkKind.DERIVED_FROM
    assert "value:01a/rows.out" in names(graph)
    assert link(graph, "run:01b", "run:01a").kind is LinkKind.REPEATS


def test_a_started_run_leads_to_the_treatment_that_started_it(past):
    past.run(
        "01a",
        spec("version", outputs=["n:block:string"]),
        spec("go", {"version:block:string": "version.n"}, kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy")),
    )
    child = past.run(
        "01b", spec("d", outputs=["o"]), started_by_run="01a", started_by_treatment="go", pipeline="deploy"
    )
    past.sent(child, "d", "o", b"x\n")
    graph = past.back(child, "d.o")
    assert link(graph, "run:01b", "treatment:01a/go").kind is LinkKind.STARTED_BY
    assert "value:01a/version.n" in names(graph)


def test_a_run_that_followed_another_leads_to_the_outputs_that_its_document_names(past):
    past.run("01a", spec("v", outputs=["n:block:string", "other:block:string"]))
    document = """
cadence: 1
name: deploy
on: {pipeline: [{name: build, parameters: {version: "v${{ event.outputs.v.n }}", list: ["${{ event.state }}"]}}]}
treatments: {d: {run: "true"}}
"""
    sha256 = past.documents.put(document.encode())
    child = past.run("01b", spec("d", outputs=["o"]), started_by_run="01a", pipeline="deploy", document_sha256=sha256)
    graph = past.back(child, "d.o")
    assert link(graph, "run:01b", "v.n").port == "version"
    assert "value:01a/v.other" not in names(graph)
    assert link(graph, "run:01b", "run:01a").note == "by its end"


def test_a_cache_leads_to_the_treatment_that_saved_it(past):
    maker = CacheMaker("01a", "deps", 1)
    past.run("01a", spec("deps", {"in": "src.out"}), spec("src", outputs=["out"]))
    run = past.run("01b", spec("test", outputs=["o"], caches=(CacheSpec("pip", ("x",)),)))
    use = CacheUse(
        run_id="01b",
        treatment="test",
        attempt=1,
        entry="entry1",
        key="pip-1",
        asked="pip-2",
        size=9,
        sha256="c" * 64,
        saved_at=NOW,
        at=NOW,
        maker=maker,
    )
    past.caches.restores[ids.runner_id("01b", "test", 1)] = [use]
    graph = past.back(run, "test.o")
    assert link(graph, "treatment:01b/test", "entry1").note == "asked for pip-2"
    assert link(graph, "entry1", "treatment:01a/deps").kind is LinkKind.GENERATED_BY
    assert "value:01a/src.out" in names(graph)
    of_entry = past.trace.cache(run, "entry1", Direction.BACKWARD, 100)
    assert "value:01a/src.out" in names(of_entry)
    with pytest.raises(NotFound, match="entry2"):
        past.trace.cache(run, "entry2", Direction.BACKWARD, 100)


def test_nothing_leads_into_another_project(past):
    past.run("01a", spec("go", kind=TreatmentKind.TRIGGER), project="secret")
    run = past.run("01b", spec("d", outputs=["o"]), started_by_run="01a", started_by_treatment="go", rerun_of="01a")
    graph = past.back(run, "d.o")
    assert not [name for name in names(graph) if "01a" in name]


def test_a_run_that_is_not_admitted_yet_is_told_from_its_plan(past):
    specs = [spec("a", outputs=["o"]), spec("b", {"i": "a.o"}, ["o"])]
    sha256 = past.documents.put(plan.encode(specs))
    past.run("01a", plan_sha256=sha256, state=RunState.PENDING)
    run = past.runs.get_run("01a")
    del past.runs.unsettled["01a"]
    assert "value:01a/a.o" in names(past.back(run, "b.o"))


def test_a_run_leads_to_the_documents_whose_definitions_it_used(past):
    for number, sha256 in enumerate(("1" * 64, "2" * 64, "3" * 64), 1):
        past.pipelines.add_version(
            PipelineVersion(
                organization="acme",
                project="site",
                name="lib",
                version=number,
                document_sha256=sha256,
                plan_sha256="",
                max_duration=60,
                created_at=NOW,
                created_by="me",
            )
        )
    pins = {"lib": "2" * 64, "gone": "4" * 64, "other@7": "5" * 64, "https://git.example/x@abc:lib.yaml": "6" * 64}
    run = past.run("01a", spec("a", outputs=["o"]), pins=pins)
    graph = past.back(run, "a.o")
    assert link(graph, "run:01a", "pipeline:" + "2" * 64).kind is LinkKind.DEFINED_BY
    found = {node.facts["name"]: node.facts["version"] for node in graph.nodes.values() if "version" in node.facts}
    assert found == {"lib": 2, "gone": None, "other@7": 7, "https://git.example/x@abc:lib.yaml": None}


def test_a_replay_leads_to_what_it_repeats(past):
    first = chain(past)
    again = past.run("01b", *past.runs.specs.values(), replay_of=ReplayOf("01a", "shout"))
    kept = past.runs.get_value(first.run_id, "keep", "out")
    past.runs.put_values([dataclasses.replace(kept, run_id="01b", kept_from="01a")])
    past.sent(again, "shout", "out", b"B 2\nD 4\n")
    graph = past.back(again, "shout.out")
    assert link(graph, "run:01b", "treatment:01a/shout").kind is LinkKind.REPEATS
    assert link(graph, "value:01b/keep.out", "value:01a/keep.out").kind is LinkKind.DERIVED_FROM
    ahead = past.ahead(first, "keep.out")
    assert link(ahead, "value:01b/keep.out", "value:01a/keep.out").kind is LinkKind.DERIVED_FROM


def engine(position: str) -> MelodiumRun:
    return MelodiumRun(group_id="group", position=position, version="0.10.2", mode="direct")


def test_a_value_goes_on_into_another_engine_and_back(past):
    asking = past.run(
        "01a",
        spec("main/say", outputs=["text"]),
        spec("main/send", {"data": "main/say.text"}),
        spec("main/take", outputs=["data"]),
        spec("main/check", {"in": "main/take.data"}, ["ok"]),
        melodium=engine("1"),
    )
    worker = past.run(
        "01b",
        spec("main/Self", outputs=["text"]),
        spec("main/through", {"in": "main/Self.text"}, ["out"]),
        started_by_run="01a",
        melodium=engine("2"),
    )
    said = past.sent(asking, "main/say", "text", b'"x"\n')
    given = dataclasses.replace(said, run_id="01b", treatment="main/Self", origin=Origin("01a", "main/say", "text"))
    answered = past.sent(worker, "main/through", "out", b'"X"\n')
    taken = dataclasses.replace(
        answered, run_id="01a", treatment="main/take", port="data",
        origin=Origin("01b", "main/through", "out", copied=True),
    )  # fmt: skip
    past.runs.put_values([given, taken])
    past.sent(asking, "main/check", "ok", b'"X"\n')

    graph = past.ahead(asking, "main/say.text")
    on = link(graph, "value:01b/main/Self.text", "value:01a/main/say.text")
    assert (on.kind, on.note) == (LinkKind.DERIVED_FROM, "on to another engine")
    assert link(graph, "value:01a/main/take.data", "value:01b/main/through.out").kind is LinkKind.DERIVED_FROM
    assert "value:01a/main/check.ok" in names(graph)
    assert "run:01b" not in names(graph)  # it was not given the value as a parameter
    back = past.back(asking, "main/check.ok")
    assert link(back, "value:01b/main/Self.text", "value:01a/main/say.text").note == "from another engine"
    assert link(back, "run:01b", "run:01a").note == "asked for by its engine"
