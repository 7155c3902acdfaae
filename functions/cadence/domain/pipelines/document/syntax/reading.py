"""Reads treatments and definitions into a draft, each merged with the definition that it uses."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.ports import read_ports, retyped
from cadence.domain.pipelines.document.connections.types import Parameterized
from cadence.domain.pipelines.document.definitions import Definitions, inherited
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, Problems
from cadence.domain.pipelines.document.libraries import Libraries
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS
from cadence.domain.pipelines.document.treatments.programs import ProgramChecks
from cadence.domain.shared.display import shown


def read_draft(data: Mapping[str, Any], libraries: Libraries, programs: ProgramChecks, problems: Problems) -> Draft:
    """Returns the draft of a document; adds ports with invalid types and missing definitions to `problems`."""
    connections = data.get("connections")
    draft = Draft(mapping(data.get("defaults")), connections if isinstance(connections, list) else [])
    definitions = Definitions(mapping(data.get("definitions")), libraries, problems)
    draft.definitions = definitions.all()
    for name, body in mapping(data.get("treatments")).items():
        if isinstance(body, dict) and "melodium" in body:
            draft.treatments[name] = programs.treatment(name, body)
        else:
            draft.treatments[name] = _read_treatment(name, body, definitions, problems)
    for treatment in draft.bodies():
        if treatment.outputs and not BUILTIN_OUTPUTS.keys().isdisjoint(treatment.outputs):
            problems.add_all(
                treatment.problem(
                    Code.RESERVED_PORT,
                    f"Every treatment already has the output {shown(port)}.",
                    ("outputs", port),
                    "Choose another name.",
                    at_key=True,
                )
                for port in BUILTIN_OUTPUTS.keys() & treatment.outputs
            )
    return draft


def _read_treatment(name: str, body: Any, definitions: Definitions, problems: Problems) -> DraftTreatment:
    if not isinstance(body, dict):
        return DraftTreatment(name=name, body=mapping(body), inputs=None, outputs=None)
    if "use" in body:
        base = definitions.used(body["use"], ("treatments", name, "use"))
        return _with_own_generics(inherited(name, "treatments", body, base, problems))
    path = ("treatments", name)
    inputs = read_ports(body["inputs"], (*path, "inputs"), (), problems) if "inputs" in body else {}
    outputs = read_ports(body["outputs"], (*path, "outputs"), (), problems) if "outputs" in body else {}
    return DraftTreatment(name=name, body=body, inputs=inputs, outputs=outputs)


def _with_own_generics(treatment: DraftTreatment) -> DraftTreatment:
    """Replaces the type parameters by this treatment's own, so that each use of a definition has separate ones."""
    if treatment.generics:
        meaning = {generic: Parameterized(generic, treatment.name) for generic in treatment.generics}
        treatment.inputs = retyped(treatment.inputs, lambda parameter: meaning.get(parameter.name, parameter))
        treatment.outputs = retyped(treatment.outputs, lambda parameter: meaning.get(parameter.name, parameter))
    return treatment
