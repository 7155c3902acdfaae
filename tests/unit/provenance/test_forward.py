"""Where a value went."""

import dataclasses

import pytest

from cadence.application.shared.identifiers import child_run_id
from cadence.domain.pipelines.specification import CacheSpec, InputSpec, TreatmentKind, TriggerSpec
from cadence.domain.provenance.graph import Basis, Direction, LinkKind
from cadence.domain.shared import ids
from cadence.domain.values.cache import CacheMaker, CacheUse
from tests.unit.provenance.setting import NOW, Past, link, names, spec

LINES = b"a 1\nb 2\nc 3\nd 4\n"


@pytest.fixture
def past() -> Past:
    return Past()


def branches(past: Past):
    run = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("keep", {"in": "rows.out"}, ["out"]),
        spec("sort", {"in": "rows.out"}, ["out"]),
        spec("report", {"lines": "keep.out"}, ["out"]),
        spec("other", outputs=["out"]),
    )
    past.sent(run, "rows", "out", LINES)
    past.sent(run, "keep", "out", b"b 2\nd 4\n")
    past.sent(run, "sort", "out", b"d 4\nc 3\nb 2\na 1\n")
    past.sent(run, "report", "out", b"2 rows\n")
    return run


def test_it_goes_on_over_every_consumer_and_nothing_else(past):
    graph = past.ahead(branches(past), "rows.out")
    assert names(graph) == {
        "value:01a/rows.out", "treatment:01a/keep", "treatment:01a/sort", "value:01a/keep.out", "value:01a/sort.out",
        "treatment:01a/report", "value:01a/report.out",
    }  # fmt: skip
    assert link(graph, "treatment:01a/keep", "value:01a/rows.out").port == "in"


def test_a_line_goes_where_it_was_passed_on(past):
    graph = past.ahead(branches(past), "rows.out", 13)
    kept, sorted_ = link(graph, "value:01a/keep.out", "/keep"), link(graph, "value:01a/sort.out", "/sort")
    assert (kept.basis, sorted_.basis) == (Basis.SUBSEQUENCE, Basis.SELECTION)
    assert kept.effect_part is not None and (kept.effect_part.offset, kept.effect_part.line) == (4, 2)
    assert sorted_.effect_part is not None and sorted_.effect_part.line == 1
    assert link(graph, "value:01a/report.out", "/report").basis is Basis.TEMPORAL


def test_a_line_that_was_filtered_out_ends_there(past):
    graph = past.ahead(branches(past), "rows.out", 0)
    kept = link(graph, "value:01a/keep.out", "/keep")
    assert kept.note == "this piece of it was not passed on" and kept.effect_part is None
    assert "treatment:01a/report" not in names(graph)


def test_an_element_goes_to_its_instance_and_its_group(past):
    run = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("e", {"item": "rows.out"}, ["n"], kind=TreatmentKind.EACH, each="item"),
        *(
            dataclasses.replace(
                spec(f"e:{number}", outputs=["n"], group="e"),
                inputs=(InputSpec(port="item", flow="block", type="string", literal="x"),),
            )
            for number in range(4)
        ),
        spec("all", {"in": "e.n"}, ["out"]),
    )
    past.runs.growths["01a", "e"] = dataclasses.replace(past.runs.get_growth("01a", "e"), made=4)
    past.sent(run, "rows", "out", LINES)
    graph = past.ahead(run, "rows.out", 5)
    assert link(graph, "treatment:01a/e:1", "rows.out").basis is Basis.CONSTRUCTED
    assert "treatment:01a/e:2" not in names(graph)
    whole = past.ahead(run, "rows.out")
    assert link(whole, "treatment:01a/e:3", "treatment:01a/e").kind is LinkKind.INSTANCE_OF
    assert "treatment:01a/all" in names(whole)


def test_an_instance_goes_into_the_values_of_its_group(past):
    instances = ("m:x", "m:y")
    run = past.run(
        "01a",
        *(spec(name, outputs=["o:block:string", "p:block:string"], group="m") for name in instances),
        spec(
            "m",
            outputs=["o:block:Vec<string>", "o-lines", "p:block:Vec<string>"],
            kind=TreatmentKind.GATHER,
            instances=instances,
        ),
    )
    graph = past.ahead(run, "m:x.o")
    assert {name for name in names(graph) if name.startswith("value")} == {
        "value:01a/m:x.o", "value:01a/m.o", "value:01a/m.o-lines",
    }  # fmt: skip


def test_it_goes_on_in_runs_that_came_of_it(past):
    run = past.run(
        "01a",
        spec("version", outputs=["n:block:string"]),
        spec("go", {"version:block:string": "version.n"}, kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy")),
    )
    value = past.sent(run, "version", "n", b"7")
    child = child_run_id(run, "go")
    past.run(child, spec("d", outputs=["o"]), started_by_run="01a", started_by_treatment="go", pipeline="deploy")
    past.run("01c", spec("f", outputs=["o"]), started_by_run="01a", pipeline="follow")
    past.run("01d", *(one for (of, _), one in past.runs.specs.copy().items() if of == "01a"), rerun_of="01a")
    past.run("01e", spec("version", outputs=["n:block:string"]), rerun_of="01a")
    past.runs.put_values([dataclasses.replace(value, run_id="01d", kept_from="01a")])
    graph = past.ahead(run, "version.n")
    assert link(graph, f"run:{child}", "treatment:01a/go").kind is LinkKind.STARTED_BY
    assert f"treatment:{child}/d" in names(graph)
    assert link(graph, "run:01c", "value:01a/version.n").basis is Basis.TEMPORAL
    assert link(graph, "value:01d/version.n", "value:01a/version.n").kind is LinkKind.DERIVED_FROM
    assert "treatment:01d/go" in names(graph)
    assert not [name for name in names(graph) if "01e" in name]


def test_it_goes_on_over_caches(past):
    maker = CacheMaker("01a", "deps", 1)
    run = past.run(
        "01a", spec("src", outputs=["out"]), spec("deps", {"in": "src.out"}, caches=(CacheSpec("pip", ("x",)),))
    )
    past.run("01b", spec("test", outputs=["o"], caches=(CacheSpec("pip", ("x",)),)))
    saved = CacheUse(
        run_id="01a",
        treatment="deps",
        attempt=1,
        entry="entry1",
        key="pip",
        asked="pip",
        size=9,
        sha256="c" * 64,
        saved_at=NOW,
        at=NOW,
        maker=maker,
    )
    past.caches.saves[ids.runner_id("01a", "deps", 1)] = [saved]
    past.caches.restores[ids.runner_id("01b", "test", 1)] = [dataclasses.replace(saved, run_id="01b", treatment="test")]
    graph = past.ahead(run, "src.out")
    assert link(graph, "treatment:01b/test", "entry1").kind is LinkKind.USED
    assert "value:01b/test.o" in names(graph)


def test_many_consumers_are_told_page_by_page(past):
    consumers = [f"c{number:03}" for number in range(120)]
    run = past.run("01a", spec("a", outputs=["o"]), *(spec(name, {"i": "a.o"}) for name in consumers))
    past.run("01b", spec("a", outputs=["o"]), rerun_of="01a")
    value = past.sent(run, "a", "o", b"x\n")
    past.runs.put_values([dataclasses.replace(value, run_id="01b", kept_from="01a")])
    met: set[str] = set()
    position: str | None = None
    pages = 0
    while True:
        graph = past.ahead(run, "a.o", limit=2, position=position)
        met |= names(graph)
        pages += 1
        position = graph.nodes[graph.start].more
        if position is None:
            break
    assert met == {"value:01a/a.o", "value:01b/a.o", *(f"treatment:01a/{name}" for name in consumers)}
    assert pages == 3


def test_a_log_line_went_nowhere_that_is_known_but_for_its_own_text(past):
    run = branches(past)
    line = {
        "treatment": "keep", "attempt": 1, "runner": "r", "seq": 4, "stream": "stdout", "level": "info", "text": "d 4",
        "time": NOW.isoformat(),
    }  # fmt: skip
    past.segments.lines = [[line]]
    graph = past.trace.line(run, 0, 0, Direction.FORWARD, 100)
    same = link(graph, "value:01a/keep.out", "line:01a/0:0")
    assert same.basis is Basis.SAME_TEXT and same.effect_part is not None and same.effect_part.line == 2


def test_a_run_s_parameters_may_have_reached_every_treatment_of_it(past):
    run = branches(past)
    graph = past.trace.run(run, Direction.FORWARD, 100)
    assert len(graph.nodes) == 6
    assert {one.basis for one in graph.links} == {Basis.TEMPORAL}


def test_what_a_rerun_took_over_did_not_run_there(past):
    run = branches(past)
    past.run("01b", *past.runs.specs.values(), rerun_of="01a")
    for value in past.runs.list_values(run.run_id):
        past.runs.put_values([dataclasses.replace(value, run_id="01b", kept_from="01a")])
    keep = past.runs.get_treatment("01b", "keep")
    past.runs.treatments["01b", "keep"] = dataclasses.replace(keep, kept_from="01a")
    graph = past.ahead(run, "rows.out")
    assert "treatment:01b/sort" in names(graph)
    assert "treatment:01b/keep" not in names(graph)
    assert {"value:01b/keep.out", "treatment:01b/report"} <= names(graph)
