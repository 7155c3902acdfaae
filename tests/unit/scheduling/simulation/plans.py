"""Plans drawn at random: every kind of treatment, over every kind of connection."""

import dataclasses
from collections.abc import Sequence
from random import Random

from cadence.domain.pipelines.specification import InputSpec, OutputSpec, RetrySpec, TreatmentKind, TreatmentSpec
from tests.unit.scheduling.simulation.agent import ENDLESS, FAILING, LOSING, MAX_DURATION, SUCCEEDING

CONNECTIONS = ("block", "stream", "after", "failed", "finished")
KINDS = ("command", "command", "command", "matrix", "each", "when", "never")
OVER = 2
"""The number that a condition compares a block with."""
OUTPUTS = (
    OutputSpec(port="block", flow="block", type="u64"),
    OutputSpec(port="stream", flow="stream", type="string"),
    OutputSpec(port="list", flow="block", type="Vec<u64>"),
)
GATHERED = (
    OutputSpec(port="block", flow="block", type="Vec<u64>"),
    OutputSpec(port="stream", flow="stream", type="string"),
    OutputSpec(port="list", flow="stream", type="Vec<u64>"),
)


def pipeline(random: Random, size: int) -> tuple[list[TreatmentSpec], dict[str, list[str]]]:
    """Chains, fan-out and fan-in over all kinds of connections, and a script for each treatment."""
    specs: list[TreatmentSpec] = []
    scripts = {}
    width = random.choice((1, 3, size))  # how far back a treatment may reach: chains or wide graphs
    for index in range(size):
        name = f"t{index}"
        earlier = [f"t{i}" for i in range(max(0, index - width), index)]
        producers = random.sample(earlier, min(len(earlier), random.choice((0, 1, 1, 2, 3))))
        inputs, after = [], []
        for number, producer in enumerate(producers):
            for kind in random.sample(CONNECTIONS, random.choice((1, 1, 1, 2))):
                match kind:
                    case "after":
                        after.append(producer)
                    case "block" | "stream":
                        inputs.append(
                            InputSpec(
                                port=f"{kind}{number}",
                                flow=kind,
                                type="byte",
                                source_treatment=producer,
                                source_port=kind,
                            )
                        )
                    case trigger:
                        inputs.append(
                            InputSpec(
                                port=f"{kind}{number}",
                                flow="block",
                                type="void",
                                source_treatment=producer,
                                source_port=trigger,
                            )
                        )
        spec = TreatmentSpec(
            name=name,
            run="true",
            inputs=tuple(inputs),
            outputs=OUTPUTS,
            max_duration=MAX_DURATION,
            after=tuple(after),
            retry=RetrySpec(
                infrastructure=random.randint(0, 2),
                failure=random.choice((0, 0, 1)),
                timeout=random.choice((0, 0, 1)),
                wait=random.choice((0, 5)),
            ),
        )
        specs += of_some_kind(random, spec, [made for made in specs if made.name in earlier])
        words = SUCCEEDING * 4 + FAILING + LOSING * 2 + (ENDLESS,)
        scripts[name] = [*random.choices(words, k=4), "succeeds"]
        for made in specs:
            if made.group == name:
                scripts[made.name] = [*random.choices(words, k=4), "succeeds"]
    return specs, scripts


def of_some_kind(random: Random, spec: TreatmentSpec, earlier: Sequence[TreatmentSpec]) -> list[TreatmentSpec]:
    other = random.choice(earlier) if earlier else None
    match random.choice(KINDS):
        case "matrix":
            return matrix_of(random, spec)
        case "each" if other:
            return [each_of(random, spec, other)]
        case "when" if other:
            condition = f"treatments.{other.name}.state == '{random.choice(('succeeded', 'failed'))}'"
            if other.kind is TreatmentKind.COMMAND and random.random() < 0.5:
                condition = f"treatments.{other.name}.outputs.block > {OVER}"
            return [dataclasses.replace(spec, when=condition, when_over=(other.name,))]
        case "never":
            return [dataclasses.replace(spec, never="its condition 1 > 2 is false")]
        case _:
            return [spec]


def matrix_of(random: Random, spec: TreatmentSpec) -> list[TreatmentSpec]:
    names = [f"{spec.name}:{value}" for value in random.sample("edcba", random.randint(1, 5))]
    group = TreatmentSpec(
        name=spec.name,
        kind=TreatmentKind.GATHER,
        instances=tuple(names),
        outputs=GATHERED,
        fail_fast=random.random() < 0.5,
        parallel=random.choice((None, 1, 2)),
    )
    return [*(dataclasses.replace(spec, name=name, group=spec.name) for name in names), group]


def each_of(random: Random, spec: TreatmentSpec, producer: TreatmentSpec) -> TreatmentSpec:
    """Over a stream's lines, or over a list."""
    listed = ("block", "list" if producer.kind is TreatmentKind.COMMAND else "block", "u64")
    flow, port, element = random.choice((("stream", "stream", "string"), listed))
    given = InputSpec(
        port="item",
        flow=flow,
        type=element if flow == "stream" else f"Vec<{element}>",
        source_treatment=producer.name,
        source_port=port,
    )
    return dataclasses.replace(
        spec,
        kind=TreatmentKind.EACH,
        each="item",
        inputs=(*spec.inputs, given),
        outputs=GATHERED,
        instance=dataclasses.replace(spec, after=(), inputs=(InputSpec(port="item", flow="block", type=element),)),
        fail_fast=random.random() < 0.5,
        parallel=random.choice((1, 2, 16)),
        retry=RetrySpec(),
    )
