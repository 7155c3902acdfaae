"""Exports: destinations of logs, metrics, traces and the audit log; and the cost of runs."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Reply
from api.line_access import require_lines
from api.naming import check_name
from api.routes.exports.export_shapes import (
    BackfillList,
    BackfillView,
    ExportDeadLetterList,
    ExportList,
    ExportView,
    RevivedView,
    RunCostView,
    TriedView,
    backfill_view,
    dead_letter_view,
    export_view,
    run_cost_view,
)
from api.shapes import ProjectOrAll
from api.visibility import visible
from cadence.adapters.http.http_event import called_origin
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS, Permission
from cadence.domain.access.scopes import ORGANIZATION, project_scope
from cadence.domain.exports.export import SIGNALS, Export, ExportCredentials, ExportKind, Signal
from cadence.domain.shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Violation

endpoints = Endpoints("exports")

_MOST_DEAD_LETTERS = 100

SignalName = Literal["logs", "metrics", "traces", "audit"]
StoredSignalName = Literal["logs", "metrics", "traces"]
Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.]{0,62}$")]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,200}$")]
Moment = Annotated[str, StringConstraints(max_length=40)]


class CredentialsBody(Body):
    """`basic`: user and secret; `bearer`: a token; `api_key`: Datadog's. Stored encrypted, and never shown again."""

    scheme: Literal["basic", "bearer", "api_key"]
    user: Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f]{0,200}$")] = ""
    secret: Annotated[SecretStr, StringConstraints(min_length=1, max_length=2_000)]


class ExportBody(Body):
    """`signals` are by default all that the kind supports, `projects` all that the token may read.

    The address is that of the push API itself for `prometheus_remote_write` and `loki`, the base of `/v1/traces`,
    `/v1/metrics` and `/v1/logs` for `otlp`, and for `datadog` the site (`https://datadoghq.eu`) or an agent's address.
    `cloudevents` sends the audit log, in batches of CloudEvents: it needs the permission `audit:read` as well.
    """

    kind: Literal["prometheus_remote_write", "loki", "datadog", "otlp", "cloudevents"]
    url: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    signals: list[SignalName] | None = Field(None, min_length=1, max_length=4)
    projects: list[ProjectOrAll] | None = Field(None, min_length=1, max_length=100)
    labels: dict[Label, Text] = Field(default_factory=dict, max_length=20, description="Added to all that is sent.")
    headers: dict[Header, Text] = Field(default_factory=dict, max_length=20, description="Such as X-Scope-OrgID.")
    enabled: bool = True
    credentials: CredentialsBody | None = Field(None, description="Without it, those that it had are kept.")


class BackfillBody(Body):
    """The range, as RFC 3339 with a time zone; `until` is now by default.

    Lines and spans are sent, those of the newest runs first; metrics, only if they are named, with the times at which
    counts had reached them, minute by minute, the oldest first.
    """

    since: Moment
    until: Moment | None = None
    signals: list[StoredSignalName] | None = Field(None, min_length=1, max_length=3)


@endpoints.add("GET", "/v1/exports", Permission.EXPORTS_READ, answers={200: ExportList})
def list_exports(call: Call, services: Services) -> ExportList:
    """Lists the exports that the token may read, and their delivery status."""
    exports = services.exports
    visible = [item for item in exports.exports.list_exports(call.by.organization) if _sees(call, item)]
    return ExportList(items=[export_view(item, exports.backlog.standing(item)) for item in visible])


@endpoints.add("GET", "/v1/exports/{export}", Permission.EXPORTS_READ, answers={200: ExportView}, errors=(404,))
def show_export(call: Call, services: Services, export: str) -> ExportView:
    """Shows an export and its delivery status, without its credentials."""
    stored = _export(call, services, export)
    return export_view(stored, services.exports.backlog.standing(stored))


@endpoints.add(
    "PUT",
    "/v1/exports/{export}",
    Permission.EXPORTS_WRITE,
    answers={200: ExportView, 201: ExportView},
    errors=(404, 409, 413, 415, 422),
)
def put_export(call: Call, services: Services, export: str, body: ExportBody) -> Reply:
    """Creates or replaces an export. It sends what arises from now on; a back-fill sends what is stored already."""
    check_name("export", export)
    requested = _requested(call, services, export, body)
    if Signal.LOGS in requested.signals:
        require_lines(call, requested.projects, "An export of logs")
    if Signal.AUDIT in requested.signals:
        _require_audit(call, requested.projects)
    sent_credentials = body.credentials
    credentials = (
        ExportCredentials(sent_credentials.scheme, sent_credentials.secret.get_secret_value(), sent_credentials.user)
        if sent_credentials
        else None
    )
    stored, new = services.exports.put(requested, credentials)
    return Reply(export_view(stored, services.exports.backlog.standing(stored)), 201 if new else 200)


@endpoints.add("DELETE", "/v1/exports/{export}", Permission.EXPORTS_WRITE, answers={204: None}, errors=(404,))
def delete_export(call: Call, services: Services, export: str) -> Reply:
    """Deletes an export, and what it still had to deliver."""
    services.exports.delete(_export(call, services, export))
    return Reply(None)


@endpoints.add("POST", "/v1/exports/{export}/test", Permission.EXPORTS_WRITE, answers={200: TriedView}, errors=(404,))
def try_export(call: Call, services: Services, export: str) -> TriedView:
    """Sends one line, metric and span, as far as the export takes them, and shows the receiver's answers."""
    tried = services.exports.try_out(_export(call, services, export))
    return TriedView(ok=tried.ok, answers={str(signal): words for signal, words in tried.answers.items()})


@endpoints.add(
    "GET",
    "/v1/exports/{export}/dead-letters",
    Permission.EXPORTS_READ,
    answers={200: ExportDeadLetterList},
    errors=(404,),
)
def list_export_dead_letters(call: Call, services: Services, export: str) -> ExportDeadLetterList:
    """Lists the oldest 100 dead letters of an export, kept for 14 days.

    The receiver refused them for good, or did not accept them for a day.
    """
    dead_letters = services.exports.backlog.dead_letters(_export(call, services, export), _MOST_DEAD_LETTERS)
    return ExportDeadLetterList(items=[dead_letter_view(dead_letter) for dead_letter in dead_letters])


@endpoints.add(
    "POST", "/v1/exports/{export}/redrive", Permission.EXPORTS_WRITE, answers={200: RevivedView}, errors=(404,)
)
def redrive(call: Call, services: Services, export: str) -> RevivedView:
    """Sends the dead letters once more."""
    return RevivedView(redriven=services.exports.revive(_export(call, services, export)))


@endpoints.add(
    "POST",
    "/v1/exports/{export}/backfills",
    Permission.EXPORTS_WRITE,
    answers={202: BackfillView},
    errors=(404, 409, 413, 415, 422),
)
def start_backfill(call: Call, services: Services, export: str, body: BackfillBody) -> BackfillView:
    """Sends what is stored of a time range once more, for a receiver that is new or lost something."""
    stored = _export(call, services, export)
    since = _moment("since", body.since)
    until = _moment("until", body.until) if body.until else services.clock()
    signals = frozenset(map(Signal, body.signals)) if body.signals else stored.signals - {Signal.METRICS, Signal.AUDIT}
    if Signal.LOGS in signals:
        require_lines(call, stored.projects, "A back-fill of logs")
    return backfill_view(services.exports.request_backfill.request(stored, since, until, signals))


@endpoints.add(
    "GET", "/v1/exports/{export}/backfills", Permission.EXPORTS_READ, answers={200: BackfillList}, errors=(404,)
)
def list_backfills(call: Call, services: Services, export: str) -> BackfillList:
    """Lists the newest 50 back-fills of an export."""
    stored = _export(call, services, export)
    backfills = services.exports.backlog.list_backfills(stored.organization, stored.name)
    return BackfillList(items=[backfill_view(item) for item in backfills])


@endpoints.add("GET", "/v1/runs/{run_id}/cost", Permission.RUNS_READ, answers={200: RunCostView}, errors=(404,))
def show_cost(call: Call, services: Services, run_id: str) -> RunCostView:
    """Shows the cost of a run's runners, in pools that have a price, by treatment.

    It is known once a treatment has ended.
    """
    run = services.visible.get(call.by, run_id)
    return run_cost_view(run.run_id, services.render_metrics.counters.costs(run.run_id))


def _require_audit(call: Call, projects: Iterable[str]) -> None:
    for project in projects:
        if not call.by.has(Permission.AUDIT_READ, ORGANIZATION if project == ALL_PROJECTS else project_scope(project)):
            where = "the whole organization" if project == ALL_PROJECTS else f"the project {project}"
            message = f"An export of the audit log needs the permission {Permission.AUDIT_READ} for {where} as well."
            raise Forbidden(message, permission=Permission.AUDIT_READ)


def _sees(call: Call, export: Export) -> bool:
    by = call.by
    if by.whole_organization:
        return True
    return all(project != ALL_PROJECTS and by.sees(by.organization, project) for project in export.projects)


def _export(call: Call, services: Services, name: str) -> Export:
    return visible(
        f"export {name!r}",
        lambda: services.exports.exports.get_export(call.by.organization, name),
        lambda export: _sees(call, export),
    )


def _requested(call: Call, services: Services, name: str, body: ExportBody) -> Export:
    by = call.by
    projects = tuple(body.projects or (by.project,))
    if by.rights is None and by.project != ALL_PROJECTS and projects != (by.project,):
        raise Forbidden(f"This token can send data of the project {by.project} only.")
    for project in projects:
        if project != ALL_PROJECTS:
            services.project(by, project)
        elif not by.whole_organization:
            raise Forbidden("Name the projects: only an account for the whole organization can send data of all.")
    try:
        existing = services.exports.exports.get_export(call.by.organization, name)
    except NotFound:
        existing = None
    if existing and not _sees(call, existing):
        raise Conflict(f"The name {name!r} is taken.")
    kind, now = ExportKind(body.kind), services.clock()
    return Export(
        organization=call.by.organization,
        name=name,
        kind=kind,
        url=body.url,
        signals=frozenset(map(Signal, body.signals)) if body.signals else frozenset(SIGNALS[kind]),
        created_at=now,
        updated_at=now,
        projects=projects,
        labels=body.labels,
        headers=body.headers,
        enabled=body.enabled,
        # Links in spans begin with it.
        origin=called_origin(call.headers),
    )


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    message = "Give a time with its time zone, such as 2026-03-01T12:00:00Z."
    raise InvalidRequest(message, [Violation(f"/{name}", message, "bad_time")])
