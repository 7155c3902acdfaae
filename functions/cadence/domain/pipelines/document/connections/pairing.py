"""Checks that the instances of two paired matrices have exactly one counterpart each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS, Connection
from cadence.domain.pipelines.document.treatments.groups import paired
from cadence.domain.pipelines.document.treatments.matrix import Combination, axes, instances, values_key
from cadence.domain.shared.display import shown

UNMATCHED_HINT = "Give both matrices the same values, or rename an axis to take the values of all instances."
_MOST_COMPARED = 50_000
"""The most combinations that are looked up; the others are checked when a run is planned."""


def check_pairs(
    draft: Draft,
    connections: Iterable[Connection],
    combinations: Mapping[str, Sequence[Combination]],
    problems: Problems,
) -> None:
    """Checks that each instance has one counterpart. `combinations` are those of the matrices without expressions.

    Treatments with a condition, which may keep all instances from running, are checked when a run is planned.
    """
    compared = 0
    for connection in dict.fromkeys(connections):
        source, target = (
            draft.treatments.get(name) for name in (connection.source_treatment, connection.target_treatment)
        )
        if source is None or target is None or connection.source_port in BUILTIN_OUTPUTS:
            continue
        source_values, target_values = (combinations.get(treatment.name) for treatment in (source, target))
        conditional = "when" in source.body or "when" in target.body
        if source_values is None or target_values is None or conditional or not paired(source.body, target.body):
            continue
        compared += len(source_values) + len(target_values)
        if compared > _MOST_COMPARED:
            return
        problem = _unmatched(source, source_values, target, target_values, connection.source_port)
        if problem is not None:
            problems.add(problem)


def unmatched_message(
    instance: str, output: tuple[str, str], values: Combination, names: Iterable[str], count: int
) -> str:
    """Returns the message for an instance with `count` counterparts; `names` are the axes of the counterparts."""
    shared_values = ", ".join(f"{axis} {shown(values.get(axis))}" for axis in names)
    counterparts = f"{count} instances" if count else "no instance"
    return f"{shown(instance)} takes {output[0]}.{output[1]}, but {shown(output[0])} has {counterparts} with {shared_values}."


def _unmatched(
    source: DraftTreatment,
    source_values: Sequence[Combination],
    target: DraftTreatment,
    target_values: Sequence[Combination],
    port: str,
) -> DocumentProblem | None:
    names = axes(mapping(source.body.get("matrix")))
    counts = Counter(values_key(values, names) for values in source_values)
    for instance in instances(target.name, target_values):
        count = counts[values_key(instance.values, names)]
        if count != 1:
            message = unmatched_message(instance.name, (source.name, port), instance.values, names, count)
            return target.problem(Code.MATRIX_UNMATCHED, message, ("matrix",), UNMATCHED_HINT, at_key=True)
    return None
