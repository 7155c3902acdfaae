"""Mélodium programs: storing them under names, and reading them without an engine."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.naming import check_name
from api.routes.pipelines.pipelines import ProgramBody
from cadence.application.pipelines.programs import StoredProgram
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.melodium.stored_program import Entrypoint, ProgramFacts

endpoints = Endpoints("programs")


class ProgramParameterView(Model):
    name: str
    type: str
    default: str | None = Field(description="The default as it is written in the program; null if it has to be given.")


class ProgramPortView(Model):
    name: str
    type: str


class EntrypointView(Model):
    command: str
    treatment: str = Field(description="The identifier of what it runs: package/area::name.")
    unusable: str | None = Field(description="Why it cannot be run, if it cannot.")
    documentation: str
    parameters: list[ProgramParameterView]
    inputs: list[ProgramPortView]
    outputs: list[ProgramPortView]


class FaultView(Model):
    file: str
    line: int
    column: int
    message: str


class ProgramReading(Model):
    sha256: str
    name: str = Field(description="What the program calls itself.")
    version: str
    entrypoints: list[EntrypointView]
    faults: list[FaultView] = Field(description="What cannot be read. The engine's own check follows when it is run.")


class ProgramView(ProgramReading):
    stored_as: str
    created_at: datetime
    created_by: str
    created_by_name: str = Field(description="The name of the member that `created_by` is; empty if it is none.")


class ProgramSummary(Model):
    stored_as: str
    sha256: str
    created_at: datetime
    created_by: str
    created_by_name: str = Field(description="The name of the member that `created_by` is; empty if it is none.")


class ProgramList(Model):
    items: list[ProgramSummary]
    next: str | None = None


@endpoints.add(
    "POST",
    "/v1/projects/{project}/programs:read",
    Permission.PIPELINES_READ,
    answers={200: ProgramReading},
    errors=(404, 413, 415, 422),
    changes_nothing=True,
)
def read_program(call: Call, services: Services, project: str, body: ProgramBody) -> ProgramReading:
    """Shows the entrypoints of a program, their typed parameters, inputs and outputs."""
    services.project(call.by, project)
    return _reading(services.programs.keep(body.sent()))


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/programs/{program}",
    Permission.PIPELINES_WRITE,
    answers={200: ProgramView},
    errors=(404, 413, 415, 422),
)
def put_program(call: Call, services: Services, project: str, program: str, body: ProgramBody) -> ProgramView:
    """Stores a program under a name. Pipelines that were stored before keep the earlier program."""
    owner = services.project(call.by, project)
    check_name("program", program)
    stored, facts = services.programs.put(owner.organization, owner.name, program, body.sent(), call.by.author)
    return _view(stored, facts, _names(call, services, [stored]))


@endpoints.add(
    "GET",
    "/v1/projects/{project}/programs",
    Permission.PIPELINES_READ,
    answers={200: ProgramList},
    errors=(404,),
)
def list_programs(call: Call, services: Services, project: str) -> ProgramList:
    """Lists the stored programs of a project."""
    owner = services.project(call.by, project)
    stored = services.programs.store.list_programs(owner.organization, owner.name)
    names = _names(call, services, stored)
    return ProgramList(items=[ProgramSummary.model_validate(_summary(each, names)) for each in stored])


@endpoints.add(
    "GET",
    "/v1/projects/{project}/programs/{program}",
    Permission.PIPELINES_READ,
    answers={200: ProgramView},
    errors=(404,),
)
def show_program(call: Call, services: Services, project: str, program: str) -> ProgramView:
    """Shows a stored program with its entrypoints."""
    owner = services.project(call.by, project)
    stored = services.programs.store.get_program(owner.organization, owner.name, program)
    return _view(stored, services.programs.facts(stored.sha256), _names(call, services, [stored]))


@endpoints.add(
    "DELETE",
    "/v1/projects/{project}/programs/{program}",
    Permission.PIPELINES_WRITE,
    answers={204: None},
    errors=(404,),
)
def delete_program(call: Call, services: Services, project: str, program: str) -> Reply:
    """Deletes a stored program. Pipelines that were stored before keep it."""
    owner = services.project(call.by, project)
    services.programs.store.get_program(owner.organization, owner.name, program)
    services.programs.store.delete_program(owner.organization, owner.name, program)
    return Reply(None)


def _names(call: Call, services: Services, stored: Iterable[StoredProgram]) -> Mapping[str, str]:
    return services.people.names_for(call.by, (each.created_by for each in stored))


def _summary(stored: StoredProgram, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "stored_as": stored.name,
        "sha256": stored.sha256,
        "created_at": stored.created_at,
        "created_by": stored.created_by,
        "created_by_name": names.get(stored.created_by, ""),
    }


def _view(stored: StoredProgram, facts: ProgramFacts, names: Mapping[str, str]) -> ProgramView:
    summary = {name: value for name, value in _summary(stored, names).items() if name != "sha256"}
    return ProgramView.model_validate({**_reading(facts).model_dump(), **summary})


def _reading(facts: ProgramFacts) -> ProgramReading:
    return ProgramReading(
        sha256=facts.sha256,
        name=facts.name,
        version=facts.version,
        entrypoints=[_entrypoint(each) for each in facts.entrypoints.values()],
        faults=[FaultView.model_validate(fault) for fault in facts.faults],
    )


def _entrypoint(each: Entrypoint) -> EntrypointView:
    header = each.header
    return EntrypointView(
        command=each.command,
        treatment=each.treatment,
        unusable=each.unusable,
        documentation=header.documentation if header else "",
        parameters=[
            ProgramParameterView.model_validate(parameter) for parameter in (header.parameters if header else ())
        ],
        inputs=[ProgramPortView.model_validate(port) for port in (header.inputs if header else ())],
        outputs=[ProgramPortView.model_validate(port) for port in (header.outputs if header else ())],
    )
