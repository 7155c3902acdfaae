"""Checks that the instances of two matrices which are connected each to each do find one another."""

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
"""Combinations looked up; what is left is found when a run is planned."""


def check_pairs(
    draft: Draft,
    connections: Iterable[Connection],
    combinations: Mapping[str, Sequence[Combination]],
    problems: Problems,
) -> None:
    """Each instance has to have one counterpart. `combinations` are of the matrices that hold no expressions.

    Where a condition may keep all instances from running, only a run can tell.
    """
    compared = 0
    for connection in dict.fromkeys(connections):
        source, target = (
            draft.treatments.get(name) for name in (connection.source_treatment, connection.target_treatment)
        )
        if source is None or target is None or connection.source_port in BUILTIN_OUTPUTS:
            continue
        given, taken = (combinations.get(one.name) for one in (source, target))
        conditional = "when" in source.body or "when" in target.body
        if given is None or taken is None or conditional or not paired(source.body, target.body):
            continue
        compared += len(given) + len(taken)
        if compared > _MOST_COMPARED:
            return
        problem = _unmatched(source, given, target, taken, connection.source_port)
        if problem is not None:
            problems.add(problem)


def unmatched_message(
    instance: str, output: tuple[str, str], values: Combination, names: Iterable[str], count: int
) -> str:
    """`count` is how many counterparts there are; `names` are the axes that they would share."""
    told = ", ".join(f"{axis} {shown(values.get(axis))}" for axis in names)
    there = f"{count} instances" if count else "no instance"
    return f"{shown(instance)} takes {output[0]}.{output[1]}, but {shown(output[0])} has {there} with {told}."


def _unmatched(
    source: DraftTreatment,
    given: Sequence[Combination],
    target: DraftTreatment,
    taken: Sequence[Combination],
    port: str,
) -> DocumentProblem | None:
    names = axes(mapping(source.body.get("matrix")))
    there = Counter(values_key(values, names) for values in given)
    for instance in instances(target.name, taken):
        count = there[values_key(instance.values, names)]
        if count != 1:
            message = unmatched_message(instance.name, (source.name, port), instance.values, names, count)
            return target.problem(Code.MATRIX_UNMATCHED, message, ("matrix",), UNMATCHED_HINT, at_key=True)
    return None
