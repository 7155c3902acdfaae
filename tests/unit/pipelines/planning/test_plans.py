"""What a run consists of: instances and what feeds them, conditions, groups, environments."""

import json
from graphlib import TopologicalSorter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import bind_parameters, validate
from cadence.domain.pipelines.plan import Plan
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.specification import ConcurrencyPolicy, InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Trigger, edges_of
from tests.conformance.generating import document

HEAD = (
    "cadence: 1\nname: sample\nparameters: {ref: {type: string}, list: {type: Vec<string>}, some: {type: Option<u8>}}\n"
)
VALUES = {"ref": "main", "list": ["p", "q"]}


def planned(body: str, event: dict[str, Any] | None = None, environments: Any = None) -> Plan:
    pipeline = validate(HEAD + body).pipeline
    assert pipeline is not None, validate(HEAD + body).findings
    facts = RunFacts("run-1", "sample", "web")
    made = instantiate(pipeline, VALUES, event or {"kind": "push", "branch": "main"}, facts, environments)
    assert made.plan is not None, made.findings
    return made.plan


def specs(body: str, **more: Any) -> dict[str, TreatmentSpec]:
    return {spec.name: spec for spec in planned(body, **more).treatments}


def test_a_matrix_becomes_a_group_and_its_instances() -> None:
    found = specs(
        "treatments:\n  b:\n    matrix: {v: ['3.12', '3.13'], os: [a, b c], exclude: [{v: '3.12', os: a}],\n"
        "      include: [{v: '3.13', x: 1}, {v: '3.14', os: a}], fail_fast: false, max_parallel: 2}\n"
        "    image: 'py:${{ matrix.v }}'\n    outputs: {n: Block<u8>, s: Stream<byte>}\n    run: echo $${{ x }}\n"
    )

    names = ("b:3.12:b-c", "b:3.13:a:1", "b:3.13:b-c:1", "b:3.14:a")
    assert tuple(found) == ("b", *names)
    group = found["b"]
    assert (group.kind, group.instances, group.fail_fast, group.parallel) == (TreatmentKind.GATHER, names, False, 2)
    assert [(port.port, port.flow, port.type) for port in group.outputs] == [
        ("n", "block", "Vec<u8>"),
        ("s", "stream", "byte"),
    ]
    instance = found["b:3.13:b-c:1"]
    assert (instance.group, instance.image, instance.run) == ("b", "py:3.13", "echo ${{ x }}")
    assert instance.matrix == {"v": "3.13", "os": "b c", "x": 1}
    assert instance.env == {"CADENCE_MATRIX_v": "3.13", "CADENCE_MATRIX_os": "b c", "CADENCE_MATRIX_x": "1"}


def test_instances_with_the_same_values_feed_each_other_and_others_the_group() -> None:
    made = planned(
        "treatments:\n  a: {run: x, outputs: {o: Block<u8>}}\n"
        "  b: {run: x, matrix: {v: [1, '1']}, inputs: {i: Block<u8>}, outputs: {o: Block<u8>}}\n"
        "  c: {run: x, matrix: {w: [k], v: ['1', 1]}, inputs: {i: Block<u8>}}\n"
        "  d: {run: x, matrix: {w: [k]}, inputs: {i: Stream<u8>}}\n"
        "connections: [a.o -> b.i, b.o -> c.i, b.o -> d.i]\n"
    )

    sources = {spec.name: [port.source_treatment for port in spec.inputs] for spec in made.treatments}
    assert sources["b:1"] == sources["b:1~2"] == ["a"]
    assert (sources["c:k:1"], sources["c:k:1~2"]) == (["b:1~2"], ["b:1"])
    assert sources["d:k"] == ["b"]
    edges = {(edge.producer, edge.consumer): edge.trigger for edge in edges_of("r", made.treatments)}
    assert edges["b", "d:k"] is Trigger.COMPLETED
    assert edges["b:1", "b"] is edges["b:1~2", "b"] is Trigger.SETTLED


def test_a_group_gives_a_stream_of_its_blocks_to_whoever_reads_one() -> None:
    found = specs(
        "treatments:\n  b: {run: x, matrix: {v: [1, 2]}, outputs: {o: Block<u8>, p: Block<u8>}}\n"
        "  c: {run: x, inputs: {i: Stream<u8>, l: Block<Vec<u8>>}}\n"
        "connections: [b.o -> c.i, b.o -> c.l]\n"
    )

    assert [(port.port, port.flow, port.type) for port in found["b"].outputs] == [
        ("o", "block", "Vec<u8>"),
        ("o-lines", "stream", "u8"),
        ("p", "block", "Vec<u8>"),
    ]
    assert [(port.port, port.source_port) for port in found["c"].inputs] == [("i", "o-lines"), ("l", "o")]


def test_what_a_false_condition_guards_is_not_evaluated() -> None:
    found = specs(
        "treatments:\n  a: {run: x, when: \"${{ has(event.tag) }}\", env: {T: '${{ event.tag }}'}}\n"
        "  m: {run: x, when: \"${{ parameters.ref == 'dev' }}\", matrix: {v: '${{ event.tag.split(\".\") }}'}}\n"
        "  n: {run: x, matrix: {v: [1, 2]}, when: '${{ matrix.v > 1 }}'}\n  o: {run: x, when: false}\n"
    )

    assert found["a"].never == "its condition has(event.tag) is false"
    assert (found["m"].never, found["m"].instances) == ("its condition parameters.ref == 'dev' is false", ())
    assert (found["n"].never, found["n:1"].never, found["n:2"].never) == (
        None,
        "its condition matrix.v > 1 is false",
        None,
    )
    assert found["o"].never == "its condition is false"


def test_a_condition_over_states_waits_for_them() -> None:
    made = planned(
        "treatments:\n  a-b: {run: x}\n  c: {run: x, when: \"${{ treatments['a-b'].state == 'failed' }}\"}\n"
    )

    assert (made.treatments[1].when, made.treatments[1].when_over) == (
        "treatments['a-b'].state == 'failed'",
        ("a-b",),
    )
    (edge,) = edges_of("r", made.treatments)
    assert (edge.producer, edge.consumer, edge.trigger) == ("a-b", "c", Trigger.SETTLED)


def test_a_condition_over_an_output_waits_for_its_treatment() -> None:
    made = planned(
        'treatments:\n  a: {run: x, outputs: {n: Block<u8>}}\n  c: {run: x, when: "${{ treatments.a.outputs.n > 1 }}"}\n'
    )

    assert (made.treatments[1].when, made.treatments[1].when_over) == ("treatments.a.outputs.n > 1", ("a",))


def test_each_takes_what_is_connected_element_by_element() -> None:
    found = specs(
        "treatments:\n  a: {run: x, outputs: {l: Block<Vec<string>>}}\n"
        "  e: {run: x, each: {input: i, parallel: 3}, inputs: {i: Block<string>}, outputs: {o: Block<u8>}}\n"
        "connections: [a.l -> e.i]\n"
    )

    group = found["e"]
    assert (group.kind, group.each, group.parallel) == (TreatmentKind.EACH, "i", 3)
    assert group.inputs == (
        InputSpec(port="i", flow="block", type="Vec<string>", source_treatment="a", source_port="l"),
    )
    assert group.instance is not None
    assert (group.instance.kind, group.instance.inputs[0].type, group.instance.group) == (
        TreatmentKind.COMMAND,
        "string",
        "e",
    )
    assert [port.type for port in group.outputs] == ["Vec<u8>"]


def test_inputs_that_nothing_feeds_have_what_the_document_says() -> None:
    (spec,) = planned(
        "treatments:\n  a: {run: x, inputs: {v: {type: Block<u8>, value: 3}, d: {type: Block<string>, default: no},\n"
        "    o: {type: Block<string>, optional: true}, p: {type: Block<string>, path: f, value: x}}}\n"
    ).treatments

    assert [(port.port, port.literal, port.path) for port in spec.inputs] == [
        ("v", "3\n", None),
        ("d", "no\n", None),
        ("p", "x\n", "f"),
    ]


def test_the_environment_adds_what_the_treatment_does_not_say() -> None:
    its = EnvironmentSet(
        name="prod", env={"A": "theirs", "B": "b", "C": "c"}, secrets={"D": "d", "E": "e"}, branches=("main", "v*")
    )
    body = "treatments: {a: {run: x, environment: {name: prod}, env: {A: own, E: own}, secrets: {B: own}}}\n"

    spec = specs(body, environments={"prod": its})["a"]

    assert (spec.environment, spec.env, spec.secrets) == (
        "prod",
        {"A": "own", "C": "c", "E": "own"},
        {"B": "own", "D": "d"},
    )


def test_the_run_has_its_group_and_priority() -> None:
    made = planned(
        "concurrency: {group: 'on ${{ event.branch }}', policy: drop}\npriority: 7\ntreatments: {a: {run: x}}\n"
    )

    assert (made.concurrency_group, made.concurrency_policy, made.priority) == ("on main", ConcurrencyPolicy.DROP, 7)


def test_a_trigger_keeps_the_types_of_its_parameters() -> None:
    spec = specs(
        "treatments: {a: {trigger: {pipeline: d, wait: true, parameters: {l: '${{ parameters.list }}', n: [1]}}}}\n"
    )["a"]

    assert spec.kind is TreatmentKind.TRIGGER and spec.trigger is not None
    assert spec.trigger.parameters == {"l": ["p", "q"], "n": [1]}


def test_a_script_that_instances_share_is_kept_once() -> None:
    made = planned(f"treatments: {{a: {{run: {'x' * 10_000}, matrix: {{v: {list(range(500))}}}}}}}\n")

    encoded = plan.encode(made.treatments)

    assert len(encoded) < 200_000
    assert plan.decode(encoded) == made.treatments


@given(st.integers(0, 2**32))
def test_any_accepted_document_gives_a_plan_without_circles_or_loose_ends(seed: int) -> None:
    pipeline = validate(json.dumps(document(Random(seed), 12))).pipeline
    if pipeline is None:
        return

    given = bind_parameters(pipeline, {}).values
    made = instantiate(pipeline, given, {"kind": "api"}, RunFacts()).plan

    assert made is not None
    names = [spec.name for spec in made.treatments]
    edges = edges_of("r", made.treatments)
    assert len(set(names)) == len(names)
    assert {name for edge in edges for name in (edge.producer, edge.consumer)} <= set(names)
    graph: dict[str, set[str]] = {}
    for edge in edges:
        graph.setdefault(edge.consumer, set()).add(edge.producer)
    TopologicalSorter(graph).prepare()
    assert plan.decode(plan.encode(made.treatments)) == made.treatments


@given(st.lists(st.integers(1, 12), min_size=1, max_size=3), st.integers(0, 5), st.integers(0, 5))
def test_a_matrix_has_as_many_instances_as_its_axes_say(sizes: list[int], excluded: int, added: int) -> None:
    axes: dict[str, Any] = {f"a{number}": list(range(size)) for number, size in enumerate(sizes)}
    out = [{"a0": value} for value in range(excluded)]
    more = [{"a0": 100 + value} for value in range(added)]
    product = 1
    for size in sizes:
        product *= size
    left = product - product // sizes[0] * min(excluded, sizes[0]) + added
    matrix = {**axes, **({"exclude": out} if out else {}), **({"include": more} if more else {})}
    text = json.dumps({"cadence": 1, "name": "s", "treatments": {"t": {"run": "x", "matrix": matrix}}})

    checked = validate(text)

    if not 0 < left <= 1_000 or (product > 1_000 and not out):
        assert checked.pipeline is None
        return
    assert checked.pipeline is not None
    made = instantiate(checked.pipeline, {}, {}, RunFacts()).plan
    assert made is not None and len({spec.name for spec in made.treatments}) == left + 1


def test_a_treatment_is_given_the_logins_of_its_own_images_registries() -> None:
    found = specs(
        "registries: {ghcr.io: packages, docker.io: hub, 'x.io:5000': own}\n"
        "treatments:\n  a: {image: ghcr.io/org/app, run: x}\n  b: {run: x}\n"
        "  c: {image: 'x.io:5000/a', run: x, services: {db: {image: postgres}}}\n"
        "  d: {matrix: {n: [a, b]}, image: 'ghcr.io/org/${{ matrix.n }}', run: x}\n"
    )

    assert {name: dict(spec.registries) for name, spec in found.items()} == {
        "a": {"ghcr.io": "packages"},
        "b": {},
        "c": {"docker.io": "hub", "x.io:5000": "own"},
        "d": {},
        "d:a": {"ghcr.io": "packages"},
        "d:b": {"ghcr.io": "packages"},
    }
