"""Pipelines: checking documents, storing them as versions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import FindingView, JsonObject
from cadence.application.pipelines.check_document import sent_files
from cadence.application.pipelines.programs import SentProgram
from cadence.composition.api import Services
from cadence.domain.access.access import Permission, Principal, Project
from cadence.domain.access.scopes import pool_scope, project_scope
from cadence.domain.pipelines.document import NamedSecret
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation
from cadence.domain.triggers.cron import firings
from cadence.domain.triggers.triggers import to_json

SCHEDULES_BEGIN = timedelta(minutes=1)
"""After this time the schedules of a stored version are active."""

endpoints = Endpoints("pipelines")

_SHOWN_FIRINGS = 5
# Who has one of these can have a runner, or a stored pipeline, read what the tokens reach.
_USE_ACCESS_TOKENS = (Permission.PIPELINES_WRITE, Permission.RUNS_START)
YAML = ("application/yaml", "application/x-yaml", "text/yaml")


class ProgramBody(Body):
    """A Mélodium program in base64: a script, a .jeu package, or a tar archive (also compressed) with a Compo.toml."""

    content: str = Field(max_length=4_000_000)
    filename: str = Field("program.mel", min_length=1, max_length=300)

    def sent(self) -> SentProgram:
        return SentProgram(self.content, self.filename)


SentPrograms = Annotated[
    dict[str, ProgramBody],
    Field(
        default_factory=dict,
        max_length=20,
        description="Programs that are no stored ones, by what the document calls them.",
    ),
]


SentLibraries = Annotated[
    dict[str, str],
    Field(
        default_factory=dict,
        max_length=20,
        description="The other files of its repository whose definitions it uses: their texts, by their paths from "
        "the root.",
    ),
]
SentPath = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=1_000,
        description="The document's own path from the root of its repository, if it uses definitions of other files "
        "there.",
    ),
]


class DocumentBody(Body):
    """A pipeline document: its text (YAML or JSON), or the document itself as a JSON object."""

    document: str | JsonObject
    programs: SentPrograms
    path: SentPath = None
    libraries: SentLibraries


class NamedSecretView(Model):
    """What the name of a secret means for a treatment, or for the login of a registry. Values are never shown."""

    name: str
    treatment: str | None
    registry: str | None
    pools: list[str] = Field(description="The pools in which it means this; empty: wherever the treatment runs.")
    state: Literal["found", "missing", "open"] = Field(description="`open`: only a run shows what it means.")
    owner: str | None = Field(
        description="Whose secret it is: `project`, `organization`, `team:NAME` or `pool:NAME`; guests get no names."
    )
    environment: str | None = Field(description="The environment that the secret is bound to.")
    reason: str | None = Field(description="Why it is missing or open.")


class CheckedView(Model):
    valid: bool
    name: str | None
    findings: list[FindingView]
    secrets: list[NamedSecretView] = Field(
        description="What the names of secrets mean; empty without the permission secrets:read at the project."
    )


class PushView(Model):
    branches: list[str]
    paths: list[str]
    tags: list[str]


class PipelineView(Model):
    project: str
    name: str
    version: int
    document_sha256: str
    created_at: datetime
    created_by: str
    created_by_name: str = Field(description="The name of the member that `created_by` is; empty if it is none.")
    push: PushView | None = Field(description="What a push must match to start it; null if no push does.")
    triggers: JsonObject = Field(description="All that starts it by itself, as in the document under `on`.")
    next_firings: list[datetime] = Field(description="The next five times at which its schedules start it.")


class PipelineWithDocument(PipelineView):
    document: str = Field(description="The document as written.")


class PipelineList(Model):
    items: list[PipelineView]
    next: str | None = None


class VersionQuery(Model):
    version: int | None = Field(None, ge=1, le=99_999_999)


@endpoints.add(
    "POST",
    "/v1/projects/{project}/pipelines:validate",
    Permission.PIPELINES_READ,
    answers={200: CheckedView},
    errors=(404, 413, 415, 422),
    also_text=YAML,
    changes_nothing=True,
)
def validate_document(call: Call, services: Services, project: str, body: DocumentBody) -> CheckedView:
    """Checks a document against a project and lists all findings at once. Nothing is stored."""
    owner = services.project(call.by, project)
    programs = kept_programs(services, body.programs)
    with_token = any(call.by.has(permission, project_scope(owner.name)) for permission in _USE_ACCESS_TOKENS)
    checked = services.check.check(
        owner.organization,
        owner.name,
        document_text(body.document),
        programs,
        sent_files(body.path, body.libraries),
        with_token=with_token,
        sees_pool=lambda pool: call.by.has(Permission.POOLS_READ, pool_scope(pool)),
    )
    pipeline = checked.pipeline
    names_secrets = call.by.has(Permission.SECRETS_READ, project_scope(owner.name))
    return CheckedView(
        valid=pipeline is not None,
        name=pipeline.name if pipeline else None,
        findings=[FindingView.of(finding) for finding in checked.findings],
        secrets=[_named_secret(one, call.by) for one in checked.secrets] if names_secrets else [],
    )


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/pipelines/{pipeline}",
    Permission.PIPELINES_WRITE,
    answers={200: PipelineView, 201: PipelineView},
    errors=(404, 409, 413, 415, 422),
    also_text=YAML,
)
def put_pipeline(call: Call, services: Services, project: str, pipeline: str, body: DocumentBody) -> Reply:
    """Stores a pipeline.

    A document that is already the newest version stays that version (200), another one is the next (201).
    """
    owner = services.project(call.by, project, pipeline=pipeline)
    source = document_text(body.document)
    programs = kept_programs(services, body.programs)
    files = sent_files(body.path, body.libraries)
    version, new = services.put_pipeline.put(
        owner.organization, owner.name, pipeline, source, call.by.author, programs, files
    )
    return Reply(_listed(call, [version], services).items[0], 201 if new else 200)


@endpoints.add(
    "DELETE",
    "/v1/projects/{project}/pipelines/{pipeline}",
    Permission.PIPELINES_WRITE,
    answers={204: None},
    errors=(404, 409),
)
def delete_pipeline(call: Call, services: Services, project: str, pipeline: str) -> Reply:
    """Deletes a pipeline with all its versions and schedules.

    Its runs stay, and those that have begun go on. A later pipeline of that name gets the next version's number.
    """
    owner = services.project(call.by, project)
    services.delete_pipeline.delete(owner.organization, owner.name, pipeline)
    return Reply(None)


@endpoints.add(
    "GET",
    "/v1/projects/{project}/pipelines",
    Permission.PIPELINES_READ,
    answers={200: PipelineList},
    errors=(404,),
)
def list_pipelines(call: Call, services: Services, project: str) -> PipelineList:
    """Lists the newest version of every pipeline of a project that the caller may read."""
    owner, by = services.project(call.by, project, within=True), call.by
    newest = services.pipelines.list_newest(owner.organization, owner.name)
    visible = [one for one in newest if by.sees(by.organization, project, pipeline=one.name)]
    return _listed(call, visible, services)


@endpoints.add(
    "GET",
    "/v1/projects/{project}/pipelines/{pipeline}",
    Permission.PIPELINES_READ,
    answers={200: PipelineWithDocument},
    errors=(404, 422),
)
def show_pipeline(call: Call, services: Services, project: str, pipeline: str, query: VersionQuery) -> Model:
    """Shows a pipeline with its document: the newest version, or the requested one."""
    owner = services.project(call.by, project, pipeline=pipeline)
    where = (owner.organization, owner.name, pipeline)
    with naming_pipelines(call, services, owner, pipeline):
        if query.version is None:
            version = services.pipelines.newest(*where)
        else:
            version = services.pipelines.version(*where, query.version)
    document = services.documents.get(version.document_sha256).decode()
    (view,) = _listed(call, [version], services).items
    return PipelineWithDocument(**view.model_dump(), document=document)


@endpoints.add(
    "GET",
    "/v1/projects/{project}/pipelines/{pipeline}/versions",
    Permission.PIPELINES_READ,
    answers={200: PipelineList},
    errors=(404,),
)
def list_versions(call: Call, services: Services, project: str, pipeline: str) -> PipelineList:
    """Lists all versions of a pipeline, the newest first."""
    owner = services.project(call.by, project, pipeline=pipeline)
    with naming_pipelines(call, services, owner, pipeline):
        services.pipelines.newest(owner.organization, owner.name, pipeline)
    return _listed(call, services.pipelines.list_versions(owner.organization, owner.name, pipeline), services)


@contextmanager
def naming_pipelines(call: Call, services: Services, owner: Project, pipeline: str) -> Iterator[None]:
    """Adds to NotFound of a pipeline which ones there are, of those that the caller may see."""
    try:
        yield
    except NotFound as error:
        by = call.by
        newest = services.pipelines.list_newest(owner.organization, owner.name)
        names = [one.name for one in newest if by.sees(by.organization, owner.name, pipeline=one.name)]
        if pipeline in names:
            raise  # it is another version that is missing
        raise NotFound(error.message + choices(pipeline, names), **error.details) from None


def _named_secret(one: NamedSecret, by: Principal) -> NamedSecretView:
    owner = one.meant.owner if one.meant else None
    return NamedSecretView(
        name=one.name,
        treatment=one.treatment,
        registry=one.registry,
        pools=list(one.pools),
        state="found" if one.meant else "open" if one.is_open else "missing",
        owner=str(owner.kind if by.is_guest else owner) if owner else None,
        environment=next(iter(one.meant.bound_to), None) if one.meant else None,
        reason=one.reason,
    )


def kept_programs(services: Services, sent: Mapping[str, ProgramBody]) -> Mapping[str, str]:
    """Returns the programs' digests, by their names in the document. Raises InvalidRequest."""
    return services.programs.kept({name: each.sent() for name, each in sent.items()})


def document_text(document: str | dict[str, Any]) -> str:
    """Returns the document's text. Raises InvalidRequest for text that no encoding can hold (a lone surrogate)."""
    text = document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        message = "The document contains half of a surrogate pair, which is no character."
        raise InvalidRequest(message, [Violation("/document", message, "not_unicode")]) from None
    return text


def _listed(call: Call, versions: Sequence[PipelineVersion], services: Services) -> PipelineList:
    names = services.people.names_for(call.by, (version.created_by for version in versions))
    return PipelineList(items=[_view(version, names, services) for version in versions])


def _view(version: PipelineVersion, names: Mapping[str, str], services: Services) -> PipelineView:
    push = version.triggers.push
    now = max(services.clock(), version.created_at + SCHEDULES_BEGIN)
    times = {
        moment
        for entry in version.triggers.schedule
        for moment in firings(entry.cron, entry.timezone, now, _SHOWN_FIRINGS)
    }
    return PipelineView(
        project=version.project,
        name=version.name,
        version=version.version,
        document_sha256=version.document_sha256,
        created_at=version.created_at,
        created_by=version.created_by,
        created_by_name=names.get(version.created_by, ""),
        push=PushView(branches=list(push.branches), paths=list(push.paths), tags=list(push.tags)) if push else None,
        triggers=to_json(version.triggers),
        next_firings=sorted(times)[:_SHOWN_FIRINGS],
    )
