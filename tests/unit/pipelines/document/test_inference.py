"""Type parameters are found through chains of connections, or it is told why they cannot be."""

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.document import Checked, Pipeline, validate
from cadence.domain.pipelines.document.connections.inference import Inference, TypeConflict
from cadence.domain.pipelines.document.connections.types import Map, Option, Parameterized, Scalar, Vec, substituted

HEAD = """cadence: 1
name: sample
definitions:
  same: {generics: [T], inputs: {in: Stream<T>}, outputs: {out: Stream<T>}, run: cat}
  some: {generics: [T], inputs: {in: "Stream<Option<T>>"}, outputs: {out: Stream<T>, list: "Block<Vec<T>>"}, run: x}
  made: {generics: [T], outputs: {out: Stream<T>}, run: x}
  pair: {generics: [A, B], inputs: {a: Block<A>, b: Block<B>}, outputs: {both: "Block<Map<B>>"}, run: x}
treatments:
  bytes: {run: x, outputs: {out: Stream<byte>, n: Block<u8>, t: Block<string>}}
  options: {run: x, outputs: {out: "Stream<Option<Vec<u8>>>"}}
"""


def checked(treatments: str, *connections: str) -> Checked:
    return validate(f"{HEAD}{treatments}connections: [{', '.join(connections)}]\n")


def types(pipeline: Pipeline | None, treatment: str) -> dict[str, str]:
    assert pipeline is not None
    found = pipeline.treatments[treatment]
    return {name: str(port.flow_type) for name, port in {**found.inputs, **found.outputs}.items()}


def test_a_type_comes_in_through_a_chain() -> None:
    copies = "".join(f"  c{number}: {{use: same}}\n" for number in range(50))
    links = [f"c{number}.out -> c{number + 1}.in" for number in range(49)]

    for connections in ([*links, "bytes.out -> c0.in"], ["bytes.out -> c0.in", *links]):
        pipeline = checked(copies, *connections).pipeline
        assert types(pipeline, "c49") == {"in": "Stream<byte>", "out": "Stream<byte>"}


def test_a_type_comes_back_from_what_takes_it() -> None:
    pipeline = checked("  m: {use: made}\n  to: {run: x, inputs: {i: 'Stream<Map<f32>>'}}\n", "m.out -> to.i").pipeline

    assert types(pipeline, "m") == {"out": "Stream<Map<f32>>"}


def test_a_type_parameter_is_found_inside_a_type() -> None:
    pipeline = checked("  s: {use: some}\n", "options.out -> s.in").pipeline

    assert types(pipeline, "s") == {
        "in": "Stream<Option<Vec<u8>>>",
        "out": "Stream<Vec<u8>>",
        "list": "Block<Vec<Vec<u8>>>",
    }


def test_each_use_and_each_parameter_has_its_own_type() -> None:
    pipeline = checked(
        "  p: {use: pair}\n  q: {use: pair}\n",
        "bytes.n -> p.a", "bytes.t -> p.b", "bytes.t -> q.a", "bytes.n -> q.b",
    ).pipeline  # fmt: skip

    assert types(pipeline, "p") == {"a": "Block<u8>", "b": "Block<string>", "both": "Block<Map<string>>"}
    assert types(pipeline, "q") == {"a": "Block<string>", "b": "Block<u8>", "both": "Block<Map<u8>>"}


def test_with_says_what_nothing_else_does() -> None:
    pipeline = checked("  m: {use: made, with: {T: Vec<u128>}}\n").pipeline

    assert types(pipeline, "m") == {"out": "Stream<Vec<u128>>"}


def test_with_and_a_connection_have_to_agree() -> None:
    (finding,) = checked("  c: {use: same, with: {T: u8}}\n", "bytes.out -> c.in").findings

    assert finding.code == "type-mismatch"
    assert finding.message == "bytes.out gives Stream<byte>, but c.in takes Stream<u8>."
    assert finding.hint == "`with` of c sets T: u8; correct it, or leave it out to have it inferred."


def test_a_conflict_over_a_chain_names_both_sources() -> None:
    (finding,) = checked(
        "  a: {use: same}\n  b: {use: same}\n  to: {run: x, inputs: {i: Stream<string>}}\n",
        "bytes.out -> a.in",
        "b.out -> to.i",
        "a.out -> b.in",
    ).findings

    assert finding.code == "type-conflict"
    assert "byte (bytes.out gives Stream<byte>)" in finding.message
    assert "string (to.i takes Stream<string>)" in finding.message
    assert finding.pointer == "/connections/2"


def test_what_hangs_together_and_is_unknown_is_told_once() -> None:
    (finding,) = checked(
        "  m: {use: made}\n  a: {use: same}\n  b: {use: same}\n", "m.out -> a.in", "a.out -> b.in"
    ).findings

    assert finding.code == "unsolved-type"
    assert finding.message == "Nothing determines the type T of “m” (and the same in “a”, “b”)."


def test_types_that_grow_with_each_link_are_bounded() -> None:
    wraps = "  wrap: {generics: [T], inputs: {in: Block<T>}, outputs: {out: 'Block<Vec<T>>'}, run: x}\ntreatments:"
    uses = "".join(f"  w{number}: {{use: wrap}}\n" for number in range(3_000))
    links = "".join(f"  - w{number}.out -> w{number + 1}.in\n" for number in range(2_999))
    source = HEAD.replace("treatments:", wraps) + f"{uses}connections:\n  - bytes.n -> w0.in\n{links}"

    findings = validate(source).findings

    assert {finding.code for finding in findings} == {"infinite-type"}


def test_flows_are_never_inferred() -> None:
    (finding, _) = checked("  c: {use: same}\n", "bytes.n -> c.in").findings[::-1]

    assert finding.message == "bytes.n gives Block<u8>, but c.in takes Stream<T>."


parameters = st.sampled_from([Parameterized(name) for name in "ABCDE"])
plain = st.recursive(
    st.sampled_from([Scalar.U8, Scalar.STRING]),
    lambda inner: st.one_of(st.builds(Option, inner), st.builds(Vec, inner), st.builds(Map, inner)),
    max_leaves=3,
)
open_types = st.recursive(
    parameters, lambda inner: st.one_of(st.builds(Option, inner), st.builds(Vec, inner)), max_leaves=3
)


@given(
    st.dictionaries(parameters, plain, min_size=5),
    st.lists(st.tuples(open_types, open_types), max_size=8),
    st.randoms(),
)
def test_whatever_has_a_solution_is_solved(meaning, pairs, chance) -> None:
    """From equations that one meaning fulfils, that meaning comes back, in whatever order they are told."""
    equations = [(one, substituted(one, meaning.__getitem__)) for one, _ in pairs]
    equations += [
        (one, other)
        for one, other in pairs
        if substituted(one, meaning.__getitem__) == substituted(other, meaning.__getitem__)
    ]
    chance.shuffle(equations)
    inference = Inference()

    assert all(inference.equal(one, other, "one", "other") is True for one, other in equations)
    assert list(inference.solve()) == []
    for one, _ in pairs:
        assert inference.type_of(one) == substituted(one, meaning.__getitem__)


@given(st.lists(st.tuples(open_types | plain, open_types | plain), max_size=12))
def test_no_equations_hang(pairs) -> None:
    inference = Inference()
    outcomes = [inference.equal(one, other, "one", "other") for one, other in pairs]

    list(inference.solve())

    assert all(isinstance(outcome, bool | TypeConflict) for outcome in outcomes)
