"""Time to validate large pipeline documents, beside the plain way: parse with PyYAML, then check with jsonschema.

The peer only parses and checks the shape: no positions, types, connections, cycles or defaults.
"""

import statistics
import time
from collections.abc import Callable

import jsonschema
import yaml

from bench.figures import Goal, Report
from cadence.domain.pipelines.document import pipeline_schema, validate

TARGETS = {1_000: 50.0}
"""Milliseconds, by number of treatments."""


def document(treatments: int) -> str:
    """A chain in which every treatment hands a stream and a block to the next."""
    lines = ["cadence: 1", "name: chain", '"on": {push: {branches: [main]}}', "defaults: {pools: [local], memory: 512}"]
    lines.append("treatments:")
    for number in range(treatments):
        lines += [f"  step_{number}:", "    image: python:3.13"]
        if number:
            lines.append("    inputs: {source: Stream<byte>, count: Block<u64>}")
        lines += [
            "    outputs: {source: Stream<byte>, count: Block<u64>}",
            "    env: {MODE: fast}",
            "    cpu: 500",
            "    memory: 1024",
            "    run: |",
            '      cat "$CADENCE_IN_source" > "$CADENCE_OUT_source"',
            f'      echo {number} > "$CADENCE_OUT_count"',
        ]
    lines.append("connections:")
    for number in range(1, treatments):
        lines.append(f"  - step_{number - 1}.source -> step_{number}.source")
        lines.append(f"  - step_{number - 1}.count -> step_{number}.count")
    return "\n".join(lines) + "\n"


def cadence(text: str) -> None:
    checked = validate(text)
    if checked.pipeline is None:
        raise SystemExit(f"the document should be valid: {checked.findings[0]}")


def with_mistakes(text: str) -> None:
    """The same with a mistake, so that places are looked up as well."""
    if len(validate(text.replace("step_7.count ->", "step_7.cuont ->")).findings) != 1:
        raise SystemExit("the document should have one mistake")


def peer(loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader]) -> Callable[[str], None]:
    validator = jsonschema.Draft202012Validator(pipeline_schema())

    def check(text: str) -> None:
        data = yaml.load(text, Loader=loader)
        if next(validator.iter_errors(data), None) is not None:
            raise SystemExit("the peer should find the document valid")

    return check


def milliseconds(check: Callable[[str], None], text: str, repetitions: int) -> tuple[float, float]:
    """Best and median time."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        check(text)
        times.append((time.perf_counter() - start) * 1000)
    return min(times), statistics.median(times)


def measure() -> Report:
    """Best and median of each way, for documents of two sizes."""
    ways = {
        "cadence, valid document": cadence,
        "cadence, one mistake": with_mistakes,
        "PyYAML (C) + jsonschema": peer(yaml.CSafeLoader),
        "yaml.safe_load + jsonschema": peer(yaml.SafeLoader),
    }
    report = Report("Validation of large documents")
    for treatments, repetitions in ((1_000, 9), (10_000, 3)):
        text = document(treatments)
        for name, check in ways.items():
            rounds = 1 if check is ways["yaml.safe_load + jsonschema"] else repetitions
            best, median = milliseconds(check, text, rounds)
            ours = check in (cadence, with_mistakes)
            goal = Goal(TARGETS[treatments]) if ours and treatments in TARGETS else None
            report.add(f"{treatments:,}: {name}, median", median, "ms", goal, peer=not ours)
            report.add(f"{treatments:,}: {name}, best", best, "ms", peer=not ours)
    report.notes.append(
        "The peers parse and check the shape only: no positions, types, connections, cycles or defaults."
    )
    return report
