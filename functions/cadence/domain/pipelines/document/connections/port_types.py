"""Checks that connected ports have equal types once every type parameter is solved."""

from cadence.domain.pipelines.document.connections.inference import Inference, TypeConflict
from cadence.domain.pipelines.document.connections.ports import literal_faults, retyped
from cadence.domain.pipelines.document.connections.types import DEEPEST, DataType, Parameterized, Scalar, parameters_of
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment
from cadence.domain.pipelines.document.findings import Code, Path, Problems
from cadence.domain.pipelines.document.pipeline import Port
from cadence.domain.pipelines.document.treatments.groups import Carried, given, is_group, taken, told
from cadence.domain.shared.display import shown


class Typing:
    """Collects the types of all connections; `finish` sets the solved types in the draft's ports."""

    def __init__(self, draft: Draft, problems: Problems) -> None:
        self._draft = draft
        self._problems = problems
        self._inference = Inference()
        self._in_conflict: set[Parameterized] = set()

    def connect(self, source: DraftTreatment, output: Port, target: DraftTreatment, port: Port, path: Path) -> None:
        """Adds a connection between two ports; a mismatch is a problem of the connection."""
        equal = (output.flow, output.type) == (port.flow, port.type) and parameters_of(output.type) is None
        if equal and not is_group(source.body) and "each" not in target.body:
            return
        gives, takes = given(source, output, target), taken(target, port)
        of_output = f"{source.name}.{output.name} gives {told(gives)}"
        of_input = f"{target.name}.{port.name} takes {told(takes)}"
        candidates = [(one, other) for flow, one in gives for wanted, other in takes if flow is wanted]
        outcome = self._inference.equal(*candidates[0], of_output, of_input) if candidates else False
        if isinstance(outcome, TypeConflict):
            self._report_conflict(outcome, path)
        elif outcome is not True:
            hint = _hint(source, gives, target, takes)
            self._problems.add_one(Code.TYPE_MISMATCH, f"{of_output}, but {of_input}.", path, hint)

    def finish(self) -> None:
        """Solves the type parameters, reports those without a solution, and checks the literals of all ports."""
        treatments = self._draft.treatments
        generic = [treatment for treatment in treatments.values() if treatment.generics]
        for treatment in generic:
            for parameter in treatment.type_parameters():
                self._inference.class_of(parameter)
        for members, why in self._inference.solve():
            if self._in_conflict.isdisjoint(members):
                self._report_unsolved(treatments[members[0].owner], members, why)
        for treatment in generic:
            treatment.inputs = retyped(treatment.inputs, self._solved)
            treatment.outputs = retyped(treatment.outputs, self._solved)
        self._check_literals()

    def _check_literals(self) -> None:
        for body in self._draft.bodies():
            for name, port in (body.inputs or {}).items():
                if port is not None and (port.literal or port.default):
                    for key, message in literal_faults(port):
                        hint = f"The input is a {port.flow_type}."
                        self._problems.add(body.problem(Code.BAD_LITERAL, message, ("inputs", name, key), hint))

    def _solved(self, parameter: Parameterized) -> DataType:
        return self._inference.type_of(parameter) or parameter

    def _report_conflict(self, conflict: TypeConflict, path: Path) -> None:
        parameter = conflict.parameter
        self._in_conflict.add(parameter)
        self._problems.add_one(
            Code.TYPE_CONFLICT,
            f"{parameter} of {shown(parameter.owner)} would be both {conflict.known} ({conflict.before}) "
            f"and {conflict.found} ({conflict.now}).",
            path,
            "One treatment can carry only one type: use the definition twice, or correct one of the two ends.",
        )

    def _report_unsolved(self, treatment: DraftTreatment, members: list[Parameterized], reason: str) -> None:
        parameter = members[0]
        path = (*treatment.path, "use")
        if reason == "unsolved":
            others = sorted({shown(member.owner) for member in members} - {shown(treatment.name)})
            equal_ones = (
                f" (and the same in {', '.join(others[:5])}{', …' if len(others) > 5 else ''})" if others else ""
            )
            message = f"Nothing determines the type {parameter} of {shown(treatment.name)}{equal_ones}."
            hint = f"Set it, for example with: {{{parameter}: string}}, or connect it to a port whose type is known."
            self._problems.add_one(Code.UNSOLVED_TYPE, message, path, hint)
        else:
            ending = (
                "would have to contain itself" if reason == "infinite" else f"is nested deeper than {DEEPEST} levels"
            )
            message = f"The type {parameter} of {shown(treatment.name)} {ending}."
            hint = "Look at the connections that lead there: one of them adds a Vec, Option or Map too many."
            self._problems.add_one(Code.INFINITE_TYPE, message, path, hint)


def _hint(source: DraftTreatment, gives: Carried, target: DraftTreatment, takes: Carried) -> str:
    for treatment in (source, target):
        if treatment.meant:
            type_arguments = ", ".join(f"{name}: {data_type}" for name, data_type in treatment.meant.items())
            return f"`with` of {treatment.name} sets {type_arguments}; correct it, or leave it out to have it inferred."
    if is_group(source.body) and gives[0][0] is takes[0][0] and takes[0][1] is not Scalar.VOID:
        return f"{source.name} is a group: what its instances give comes together."
    return "Give both the same type."
