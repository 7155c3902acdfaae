"""Where a value came from."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.application.provenance import trace as trace_module
from cadence.application.provenance.contents import Contents
from cadence.application.provenance.ports import StoredChunk
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.provenance.graph import Basis, Direction, LinkKind
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import InvalidRequest, NotFound
from tests.unit.provenance.setting import NOW, Past, link, names, spec

LINES = b"a 1\nb 2\nc 3\nd 4\n"


@pytest.fixture
def past() -> Past:
    return Past()


def chain(past: Past):
    """`rows` sends lines, `keep` filters them, `shout` makes others of them, `report` gets those and a setting."""
    run = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("keep", {"in": "rows.out"}, ["out"]),
        spec("shout", {"in": "keep.out"}, ["out"], after=("rows",)),
        spec("name", outputs=["text:block:string"]),
        spec("report", {"lines": "shout.out", "text:block:string": "name.text"}, ["out"]),
    )
    past.sent(run, "rows", "out", LINES[:6], LINES[6:])
    past.sent(run, "keep", "out", b"b 2\nd 4\n")
    past.sent(run, "shout", "out", b"B 2\nD 4\n")
    past.sent(run, "name", "text", b"x")
    past.sent(run, "report", "out", b"x: B 2\nx: D 4\n")
    return run


def test_it_goes_back_over_every_treatment(past):
    graph = past.back(chain(past), "report.out")
    assert {name for name in names(graph) if name.startswith("value")} == {
        "value:01a/report.out", "value:01a/shout.out", "value:01a/keep.out", "value:01a/rows.out", "value:01a/name.text",
    }  # fmt: skip
    assert link(graph, "treatment:01a/report", "name.text").port == "text"
    assert link(graph, "treatment:01a/shout", "treatment:01a/rows").kind is LinkKind.WAITED_FOR
    report = next(node for node in graph.nodes.values() if str(node.id) == "value:01a/report.out")
    assert report.value is not None and report.value.size == 14
    assert report.treatment is not None and report.treatment.state is TreatmentState.SUCCEEDED


def test_a_line_is_followed_through_a_filter_and_no_further_than_can_be_proven(past):
    run = chain(past)
    graph = past.back(run, "keep.out", 5)
    found = link(graph, "treatment:01a/keep", "rows.out")
    assert found.basis is Basis.SUBSEQUENCE
    assert found.effect_part is not None and (found.effect_part.offset, found.effect_part.line) == (4, 2)
    assert found.cause_part is not None and (found.cause_part.offset, found.cause_part.line) == (12, 4)
    changed = link(past.back(run, "shout.out", 5), "treatment:01a/shout", "keep.out")
    assert changed.basis is Basis.TEMPORAL and changed.cause_part is None


def test_equal_digests_prove_any_place_even_of_bytes(past):
    run = past.run("01a", spec("a", outputs=["o:stream:byte"]), spec("b", {"i:stream:byte": "a.o"}, ["o:stream:byte"]))
    past.sent(run, "a", "o", b"\x00\xff" * 50)
    past.sent(run, "b", "o", b"\x00\xff" * 50)
    found = link(past.back(run, "b.o", 7), "treatment:01a/b", "a.o")
    assert found.basis is Basis.IDENTICAL
    assert found.cause_part is not None and (found.cause_part.offset, found.cause_part.line) == (7, None)
    assert link(past.back(run, "b.o"), "treatment:01a/b", "a.o").basis is Basis.IDENTICAL


def test_a_beginning_proves_its_places(past):
    run = past.run("01a", spec("a", outputs=["o:stream:byte"]), spec("b", {"i:stream:byte": "a.o"}, ["o:stream:byte"]))
    past.sent(run, "a", "o", b"0123", b"456789")
    past.sent(run, "b", "o", b"012345")
    assert link(past.back(run, "b.o", 5), "treatment:01a/b", "a.o").basis is Basis.PREFIX
    past.sent(run, "b", "o", b"012346")
    assert link(past.back(run, "b.o", 5), "treatment:01a/b", "a.o").basis is Basis.TEMPORAL


def test_an_input_beside_the_one_that_passed_the_line_on_may_have_decided(past):
    run = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("words", outputs=["out"]),
        spec("keep", {"in": "rows.out", "words": "words.out"}, ["out"]),
    )
    past.sent(run, "rows", "out", LINES)
    past.sent(run, "words", "out", b"b\n")
    past.sent(run, "keep", "out", b"b 2\n")
    graph = past.back(run, "keep.out", 0)
    assert link(graph, "treatment:01a/keep", "rows.out").basis is Basis.SUBSEQUENCE
    beside = link(graph, "treatment:01a/keep", "words.out")
    assert (beside.basis, beside.note) == (Basis.RECORDED, "may have decided what was passed on")


def test_a_stream_can_only_depend_on_what_was_there_before(past):
    run = past.run("01a", spec("a", outputs=["o"]), spec("b", {"i": "a.o"}, ["o"]))
    past.sent(run, "a", "o", b"one\n", b"two\n", b"three\n", after=(1, 2.9, 9))
    past.sent(run, "b", "o", b"ONE\n", b"THREE\n", after=(2.1, 10))
    early, late = (link(past.back(run, "b.o", at), "treatment:01a/b", "a.o") for at in (0, 4))
    assert early.basis is Basis.TEMPORAL
    # The store's clock counts whole seconds, so the chunk of the same second may have been there.
    assert early.cause_part is not None and (early.cause_part.offset, early.cause_part.length) == (0, 8)
    assert early.note == "only its first 8 bytes were there before"
    assert late.cause_part is None and late.note == "the whole of it was there before"


def test_what_is_too_large_to_compare_is_said_to_be(past, monkeypatch):
    run = chain(past)
    monkeypatch.setattr(trace_module, "Contents", lambda chunks, times: Contents(chunks=chunks, times=times, left=20))
    found = link(past.back(run, "keep.out", 5), "treatment:01a/keep", "rows.out")
    assert found.basis is Basis.UNCHECKED and "too large" in str(found.note)


def test_contents_that_are_not_kept_any_more_prove_nothing(past):
    run = chain(past)
    past.chunks.contents.clear()
    found = link(past.back(run, "keep.out", 5), "treatment:01a/keep", "rows.out")
    assert found.basis in {Basis.UNCHECKED, Basis.TEMPORAL}
    assert found.cause_part is None


def test_a_gathered_stream_leads_to_the_very_instance(past):
    instances = ("m:x", "m:y")
    run = past.run(
        "01a",
        *(spec(name, outputs=["o"], group="m") for name in instances),
        spec("m", outputs=["o"], kind=TreatmentKind.GATHER, instances=instances),
    )
    past.sent(run, "m:x", "o", b"1\n2\n")
    past.sent(run, "m:y", "o", b"3\n4\n")
    past.sent(run, "m", "o", b"1\n2\n3\n4\n")
    graph = past.back(run, "m.o", 6)
    found = link(graph, "treatment:01a/m", "m:y.o")
    assert found.basis is Basis.CONSTRUCTED
    assert found.cause_part is not None and (found.cause_part.offset, found.cause_part.line) == (2, 2)
    assert "value:01a/m:x.o" not in names(graph)
    assert {"value:01a/m:x.o", "value:01a/m:y.o"} <= names(past.back(run, "m.o"))


def test_a_gathered_list_and_its_lines_lead_to_the_very_instance(past):
    instances = ("m:x", "m:y", "m:z")
    run = past.run(
        "01a",
        *(spec(name, outputs=["o:block:string"], group="m") for name in instances),
        spec("m", outputs=["o:block:Vec<string>", "o-lines"], kind=TreatmentKind.GATHER, instances=instances),
    )
    for name, content in zip(instances, (b"x", "é".encode(), b"z"), strict=True):
        past.sent(run, name, "o", content)
    past.sent(run, "m", "o", '["x", "é", "z"]'.encode())
    past.sent(run, "m", "o-lines", "x\né\nz\n".encode())
    asked = {("m.o", 7): "m:y.o", ("m.o", 12): "m:z.o", ("m.o-lines", 0): "m:x.o", ("m.o-lines", 5): "m:z.o"}
    for (port, offset), wanted in asked.items():
        graph = past.back(run, port, offset)
        assert link(graph, "treatment:01a/m", wanted).basis is Basis.CONSTRUCTED
        assert [one.kind for one in graph.links].count(LinkKind.USED) == 1


def test_an_instance_leads_to_its_element(past):
    inner = spec("e:1", outputs=["n"], group="e")
    inner = dataclasses.replace(inner, inputs=(InputSpec(port="item", flow="block", type="string", literal="b 2"),))
    run = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("e", {"item": "rows.out"}, ["n"], kind=TreatmentKind.EACH, each="item"),
        inner,
    )
    past.sent(run, "rows", "out", LINES)
    past.sent(run, "e:1", "n", b"2\n")
    found = link(past.back(run, "e:1.n"), "treatment:01a/e:1", "rows.out")
    assert (found.basis, found.note) == (Basis.CONSTRUCTED, "element 2")
    assert found.cause_part is not None and found.cause_part.line == 2


def test_a_log_line_leads_to_its_treatment_and_to_the_same_text_in_its_inputs(past):
    run = chain(past)
    line = {
        "treatment": "shout", "attempt": 1, "runner": "r", "seq": 4, "stream": "stderr", "level": "error", "text": "d 4",
        "time": (NOW + timedelta(seconds=5)).isoformat(),
    }  # fmt: skip
    past.segments.lines = [[line, {**line, "text": "nothing of that"}]]
    graph = past.trace.line(run, 0, 0, Direction.BACKWARD, 100)
    assert link(graph, "line:01a/0:0", "treatment:01a/shout").kind is LinkKind.GENERATED_BY
    same = link(graph, "line:01a/0:0", "keep.out")
    assert same.basis is Basis.SAME_TEXT and same.cause_part is not None and same.cause_part.line == 2
    # From there the line goes on being followed.
    assert link(graph, "treatment:01a/keep", "rows.out").cause_part is not None
    other = past.trace.line(run, 0, 1, Direction.BACKWARD, 100)
    assert not [one for one in other.links if one.basis is Basis.SAME_TEXT]
    for segment, number in ((0, 2), (1, 0)):
        with pytest.raises(NotFound, match="has no line"):
            past.trace.line(run, segment, number, Direction.BACKWARD, 100)


def test_an_answer_is_bounded_and_says_where_it_goes_on(past):
    instances = tuple(f"m:{number:03}" for number in range(120))
    run = past.run(
        "01a",
        *(spec(name, outputs=["o:block:u64"], group="m") for name in instances),
        spec("m", outputs=["o:block:Vec<u64>"], kind=TreatmentKind.GATHER, instances=instances),
    )
    graph = past.back(run, "m.o", limit=60)
    group = next(node for node in graph.nodes.values() if str(node.id) == "treatment:01a/m")
    assert group.more == "50"
    assert sum(node.cut for node in graph.nodes.values()) > 0
    assert len(graph.nodes) <= 60 + 50
    met: set[str] = set()
    position: str | None = None
    while True:
        page = past.trace.treatment(run, "m", Direction.BACKWARD, 2, position, "o")
        met |= {name for name in names(page) if name.startswith("value")}
        position = page.nodes[page.start].more
        if position is None:
            break
    assert met == {f"value:01a/{name}.o" for name in instances}


def test_bad_questions_are_refused(past):
    run = chain(past)
    with pytest.raises(NotFound, match="has no output 'none'"):
        past.back(run, "keep.none")
    with pytest.raises(NotFound, match="no treatment 'none'"):
        past.back(run, "none.out")
    with pytest.raises(NotFound, match="no treatment 'none'"):
        past.trace.treatment(run, "none", Direction.BACKWARD, 10)
    with pytest.raises(InvalidRequest, match="nothing at offset 99"):
        past.back(run, "keep.out", 99)
    assert past.back(run, "keep.completed").nodes


def test_an_unfed_treatment_is_where_it_begins(past):
    run = past.run("01a", TreatmentSpec(name="t", run="x", outputs=spec("t", outputs=["o"]).outputs))
    graph = past.back(run, "t.o")
    assert names(graph) == {"value:01a/t.o", "treatment:01a/t", "run:01a"}


def test_no_run_is_read_as_a_whole(past, monkeypatch):
    run = chain(past)
    read: list[str] = []
    for name in ("list_values", "list_treatments", "edges_of", "edges_from"):
        monkeypatch.setattr(past.runs, name, lambda *_, name=name: read.append(name))
    stored, asked = past.runs.get_treatments, []

    def counted(names):
        asked.append(len(names))
        return stored(names)

    monkeypatch.setattr(past.runs, "get_treatments", counted)
    graph = past.back(run, "report.out", 4)
    assert len(graph.nodes) > 8
    # One call for each level of the walk, and nothing that is not in the answer.
    assert not read and len(asked) <= 8 and sum(asked) == 5


def test_a_large_content_that_begins_otherwise_is_not_read_for_being_a_beginning(past):
    run = past.run("01a", spec("a", outputs=["o"]), spec("b", {"i": "a.o"}, ["o"]))
    past.sent(run, "a", "o", b"x\n", *(b"%d\n" % number * 1000 for number in range(50)))
    past.sent(run, "b", "o", b"49\n" * 900)
    found = link(past.back(run, "b.o", 0), "treatment:01a/b", "a.o")
    assert (found.basis, found.cause_part and found.cause_part.candidates) == (Basis.SUBSEQUENCE, 101)


def test_a_stream_under_way_can_be_traced(past):
    run = past.run("01a", spec("a", outputs=["o"]), spec("b", {"i": "a.o"}, ["o"]))
    for name, after in (("a", (1, 5)), ("b", (2,))):
        chunks = [StoredChunk(4, NOW + timedelta(seconds=at)) for at in after]
        past.times.chunks[ids.chunk_prefix("01a", name, 1, "o")] = chunks
    found = link(past.back(run, "b.o", 1), "treatment:01a/b", "a.o")
    assert found.basis is Basis.TEMPORAL
    assert found.cause_part is not None and found.cause_part.length == 4
